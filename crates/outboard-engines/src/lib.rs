//! WebAssembly guests run by wasmtime: limits, pool, QuickJS.
