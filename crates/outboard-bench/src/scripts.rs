//! The measured scripts, by language. What each answers, the floor works out too.
//! A further language is a further variant here and further rows in `measure.rs`.

/// A language of scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    TypeScript,
}

impl Language {
    /// As tables name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TypeScript => "TypeScript",
        }
    }

    /// Nothing but an addition.
    pub(crate) fn addition(self) -> &'static str {
        match self {
            Self::TypeScript => "return 1+1",
        }
    }

    /// One echo of `hello`.
    pub(crate) fn echo(self) -> &'static str {
        match self {
            Self::TypeScript => "return await bench.echo({ text: 'hello' })",
        }
    }

    /// 1,000 echoes at once; answers how many came back right.
    pub(crate) fn echoes(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/echoes.ts"),
        }
    }

    /// The summary of 30 pages, one after another.
    pub(crate) fn pages(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/pages.ts"),
        }
    }

    /// The summary of ten chunks, asked for at once.
    pub(crate) fn chunks(self) -> &'static str {
        match self {
            Self::TypeScript => include_str!("scripts/chunks.ts"),
        }
    }

    /// Holds a few values and waits until it is released.
    pub(crate) fn parked(self) -> &'static str {
        match self {
            Self::TypeScript => {
                "const rows = [1, 2, 3];\nconst said = await bench.wait();\nreturn [said, rows.length]"
            }
        }
    }

    /// Waits until this many runs wait; answers their number.
    pub(crate) fn gathered(self, number: u32) -> String {
        match self {
            Self::TypeScript => format!("return (await bench.gathered({{ number: {number} }})).waiting"),
        }
    }

    /// Lets all runs that wait go on.
    pub(crate) fn release(self) -> &'static str {
        match self {
            Self::TypeScript => "return await bench.release()",
        }
    }
}
