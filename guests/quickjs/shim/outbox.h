/* What the guest has to say to the host, read at each standstill: a sequence of records, each
   opened by a byte that names it. `crates/outboard-engines/src/quickjs/wire.rs` reads them. */

enum {
    OUT_REQUEST = 1,
    OUT_CONSOLE = 2,
    OUT_CONSOLE_DROPPED = 3,
    OUT_WAITING = 10,
    OUT_FINISHED = 11,
    OUT_THREW = 12,
    OUT_STUCK = 13,
    OUT_VALUE_TOO_LONG = 14,
};

static Bytes ob_outbox;
/* The last record is being written, for which properties of the script's own are read: what their getters say or
   ask would land in the middle of it, and the run is over. */
static bool ob_closing;
static Bytes ob_value; /* the script's value; apart, because it may be large */

/* What `ob_start` and `ob_deliver` return a pointer to. */
static struct {
    const uint8_t *outbox;
    uint32_t outbox_len;
    const uint8_t *value;
    uint32_t value_len;
} ob_step;
