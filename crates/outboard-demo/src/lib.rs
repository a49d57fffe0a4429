//! The main job on a simulated service: an upstream, a scripted model, and what each way costs.
