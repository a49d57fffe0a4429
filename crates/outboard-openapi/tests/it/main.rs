//! Real documents, as packages of npm ship them.

mod documents;
