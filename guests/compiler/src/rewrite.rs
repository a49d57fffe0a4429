//! Puts a picture of the memory into a module, as its data segments.
//! Everything else of the module is copied as it is, except what only describes it.

use wasm_encoder::{ConstExpr, DataSection, MemorySection, MemoryType, Module, RawSection};
use wasmparser::{Parser, Payload};
use wasmtime::{Result, bail};

/// Zeroes shorter than this are not worth a segment of their own.
const GAP: usize = 64;
const PAGE: usize = 64 << 10;

/// The module with `memory` as what its memory holds from the start.
pub fn with_memory(wasm: &[u8], memory: &[u8]) -> Result<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::MemorySection(_) => {
                let mut section = MemorySection::new();
                let minimum = u64::try_from(memory.len() / PAGE)?;
                section.memory(MemoryType {
                    minimum,
                    maximum: None,
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
                module.section(&section);
            }
            Payload::StartSection { .. } => bail!("the guest has a start function, which would run again"),
            Payload::DataSection(_) | Payload::DataCountSection { .. } | Payload::CustomSection(_) => {}
            other => {
                if let Some((id, range)) = other.as_section() {
                    module.section(&RawSection { id, data: &wasm[range] });
                }
            }
        }
    }
    module.section(&segments(memory)?);
    Ok(module.finish())
}

fn segments(memory: &[u8]) -> Result<DataSection> {
    let mut section = DataSection::new();
    let mut at = 0;
    while let Some(skip) = memory[at..].iter().position(|&byte| byte != 0) {
        let start = at + skip;
        let mut end = start;
        let mut zeroes = 0;
        while end + zeroes < memory.len() && zeroes < GAP {
            if memory[end + zeroes] == 0 {
                zeroes += 1;
            } else {
                end += zeroes + 1;
                zeroes = 0;
            }
        }
        let offset = i32::from_ne_bytes(u32::try_from(start)?.to_ne_bytes());
        section.active(0, &ConstExpr::i32_const(offset), memory[start..end].iter().copied());
        at = end;
    }
    Ok(section)
}
