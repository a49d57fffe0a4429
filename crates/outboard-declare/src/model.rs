//! The language-neutral type tree between a schema and the declarations in a language.
//! `schema` makes it, `typescript` writes it; all text in it is an upstream's own and not yet escaped.

mod combine;

pub(crate) use combine::{meet, union};

/// A type and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Type {
    /// What values it has.
    pub kind: Kind,
    /// What the schema says beyond that.
    pub notes: Notes,
}

/// What values a type has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Every value: the schema says nothing, or nothing that could be used.
    #[default]
    Any,
    /// No value.
    Never,
    /// `null`.
    Null,
    /// `true` and `false`.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Strings.
    String,
    /// One single value.
    Literal(Literal),
    /// Lists of one type.
    Array(Box<Type>),
    /// Lists with a type for each place.
    Tuple(Tuple),
    /// Records and maps.
    Object(Object),
    /// Values of any of these; at least two members, none of them a union, `Null` last.
    Union(Vec<Type>),
    /// Values of all of these at once; at least two members.
    Intersection(Vec<Type>),
    /// A definition of the same [`Document`].
    Reference(DefinitionId),
}

/// A single value that can be written as a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// A string.
    String(String),
    /// A number in JSON's notation.
    Number(String),
    /// A truth value.
    Boolean(bool),
}

/// A list with a type for each place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// The places.
    pub items: Vec<Type>,
    /// How many of them must be there.
    pub required: usize,
    /// The type of whatever follows, if something may.
    pub rest: Option<Box<Type>>,
}

/// A record, a map, or both in one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Object {
    /// The properties that are named, in the schema's order.
    pub properties: Vec<Property>,
    /// What may stand beside them.
    pub others: Others,
}

/// A named property.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Property {
    /// Its name, which need not be an identifier.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
}

/// Properties that are not named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Others {
    /// The schema says nothing, which is read as: there are none worth speaking of.
    #[default]
    Unspecified,
    /// There are none.
    Closed,
    /// There may be some, of this type.
    Open(Box<Type>),
}

/// What a schema says about a type beyond its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Notes {
    /// The description, at most 4,000 characters.
    pub description: Option<String>,
    /// Short phrases: ranges, lengths, formats, patterns.
    pub facts: Vec<String>,
    /// The default value as JSON, shortened if it is long.
    pub default: Option<String>,
    /// Whether it should no longer be used.
    pub deprecated: bool,
}

/// A whole schema as types. Every [`DefinitionId`] in it is an index into its definitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The schema itself.
    pub root: Type,
    /// What has to have a name because it is recursive, or is worth one because it is large and shared.
    pub definitions: Vec<Definition>,
}

impl Document {
    /// The definition behind an id of this document.
    pub fn definition(&self, id: DefinitionId) -> &Definition {
        &self.definitions[id.0]
    }

    /// The root, or, if that only names a definition, the definition's body.
    pub fn root_body(&self) -> &Type {
        match self.root.kind {
            Kind::Reference(id) => &self.definition(id).body,
            _ => &self.root,
        }
    }
}

/// A type that other types refer to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Definition {
    /// What the schema calls it, if anything: a hint, neither unique nor an identifier.
    pub hint: String,
    /// The type.
    pub body: Type,
}

/// Which definition of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionId(pub usize);

impl Type {
    /// A type about which nothing more is said.
    pub fn new(kind: Kind) -> Self {
        Self { kind, notes: Notes::default() }
    }

    /// Every value.
    pub fn any() -> Self {
        Self::new(Kind::Any)
    }
}

impl Notes {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These notes, with those of `inner` where these say nothing.
    #[must_use]
    pub fn over(mut self, inner: Self) -> Self {
        self.description = self.description.or(inner.description);
        self.default = self.default.or(inner.default);
        self.deprecated |= inner.deprecated;
        for fact in inner.facts {
            if !self.facts.contains(&fact) {
                self.facts.push(fact);
            }
        }
        self
    }
}
