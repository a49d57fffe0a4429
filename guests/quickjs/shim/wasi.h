/* The C library's doors to the outside, all walled up: the finished guest imports nothing but
   `outboard.url`. Anything written to a stream is lost, and leaving the process is a trap.
   The names are those under which wasi-libc imports the functions; defining them satisfies it. */

enum { OB_EBADF = 8 };

int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t fd, int32_t iovs, int32_t count, int32_t written)
{
    return OB_EBADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t fd, int64_t offset, int32_t whence, int32_t position)
{
    return OB_EBADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t fd)
{
    return OB_EBADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_fdstat_get(int32_t fd, int32_t stat)
{
    return OB_EBADF;
}

_Noreturn void __imported_wasi_snapshot_preview1_proc_exit(int32_t code)
{
    __builtin_trap();
}
