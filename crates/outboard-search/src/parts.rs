//! Which parts of the ranking take part: all of them, but for whoever measures what each gains.
//! Holds no figures; those stand beside the code they steer.

/// Parts of the ranking that can be left out, to measure what they gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named and described in NAMES")]
pub struct Parts {
    pub common: bool,
    pub thesaurus: bool,
    pub compounds: bool,
    pub spelling: bool,
    pub parameters: bool,
    pub clauses: bool,
    pub cover: bool,
    pub spread: bool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            common: true,
            thesaurus: true,
            compounds: true,
            spelling: true,
            parameters: true,
            clauses: true,
            cover: true,
            spread: true,
        }
    }
}

impl Parts {
    /// The parts by name, with what each does.
    pub const NAMES: [(&'static str, &'static str); 8] = [
        ("common", "words that say little count for less"),
        ("thesaurus", "words of the same or a near meaning count too"),
        ("compounds", "words written as one or apart are the same"),
        ("spelling", "unknown words count as the nearest known ones"),
        ("parameters", "names and descriptions of parameters are looked at"),
        ("clauses", "words that stand in one clause of a task belong together"),
        ("cover", "what the chosen tools cover counts less for the next"),
        ("spread", "each further tool of one upstream counts a little less"),
    ];

    /// Turns the part of this name on or off; `false` if there is none.
    pub fn switch(&mut self, name: &str, on: bool) -> bool {
        let part = match name {
            "common" => &mut self.common,
            "thesaurus" => &mut self.thesaurus,
            "compounds" => &mut self.compounds,
            "spelling" => &mut self.spelling,
            "parameters" => &mut self.parameters,
            "clauses" => &mut self.clauses,
            "cover" => &mut self.cover,
            "spread" => &mut self.spread,
            _ => return false,
        };
        *part = on;
        true
    }
}
