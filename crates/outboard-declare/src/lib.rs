//! JSON Schema to TypeScript declarations and safe names; pure.
