//! The measured scripts, by language. What each answers, the floor works out too.
//! A further language is a further variant here and further rows in `measure/rows.rs`.

/// A language of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    TypeScript,
    Python,
}

impl Language {
    /// As tables name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TypeScript => "TypeScript",
            Self::Python => "Python",
        }
    }

    /// As `execute` takes it.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }

    /// Nothing but an addition.
    pub(crate) fn addition(self) -> &'static str {
        match self {
            Self::TypeScript => "return 1+1",
            Self::Python => "1+1",
        }
    }

    /// One echo of `hello`.
    pub(crate) fn echo(self) -> &'static str {
        match self {
            Self::TypeScript => "return await bench.echo({ text: 'hello' })",
            Self::Python => "await bench.echo(text='hello')",
        }
    }

    /// 1,000 echoes at once; answers how many came back right.
    pub(crate) fn echoes(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/echoes.ts"),
            Self::Python => include_str!("scripts/echoes.py"),
        }
    }

    /// Echoes of `hello`, one after another; answers how many came back right.
    pub(crate) fn echoes_in_turn(self, count: u32) -> String {
        match self {
            Self::TypeScript => format!(
                "let right = 0;\nfor (let n = 0; n < {count}; n++) right += (await bench.echo({{ text: 'hello' }})) === 'hello' ? 1 : 0;\nreturn right"
            ),
            Self::Python => format!(
                "right = 0\nfor _ in range({count}):\n    right += await bench.echo(text='hello') == 'hello'\nright"
            ),
        }
    }

    /// The summary of 30 pages, one after another.
    pub(crate) fn pages(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/pages.ts"),
            Self::Python => include_str!("scripts/pages.py"),
        }
    }

    /// The summary of ten chunks, asked for at once.
    pub(crate) fn chunks(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/chunks.ts"),
            Self::Python => include_str!("scripts/chunks.py"),
        }
    }

    /// Holds a few values and waits until it is released.
    pub(crate) fn parked(self) -> &'static str {
        match self {
            Self::TypeScript => {
                "const rows = [1, 2, 3];\nconst said = await bench.wait();\nreturn [said, rows.length]"
            }
            Self::Python => "rows = [1, 2, 3]\nsaid = await bench.wait()\n[said, len(rows)]",
        }
    }

    /// Waits until this many runs wait; answers their number.
    pub(crate) fn gathered(self, number: u32) -> String {
        match self {
            Self::TypeScript => format!("return (await bench.gathered({{ number: {number} }})).waiting"),
            Self::Python => format!("(await bench.gathered(number={number}))['waiting']"),
        }
    }

    /// Lets all runs that wait go on.
    pub(crate) fn release(self) -> &'static str {
        match self {
            Self::TypeScript => "return await bench.release()",
            Self::Python => "await bench.release()",
        }
    }

    /// Computes for ever.
    pub(crate) fn endless(self) -> &'static str {
        match self {
            Self::TypeScript => "for (;;);",
            Self::Python => "while True: pass",
        }
    }

    /// Asks for one echo at once, for the engine alone.
    pub(crate) fn first_call(self) -> &'static str {
        match self {
            Self::TypeScript => "bench.echo()",
            Self::Python => "await bench.echo()",
        }
    }
}

/// Arithmetic and calls of functions alone, in Python: what Outboard and the machine's own CPython run.
pub(crate) const FIB: &str = "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(27)";
