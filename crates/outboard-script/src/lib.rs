//! Parses a model-written script once: form, type stripping with positions kept.
