//! What a template may cost. Without bounds a partial that includes itself, or five loops in each other, would take the
//! process with it.

/// Bounds of one template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest template or partial, in bytes.
    pub template_bytes: usize,
    /// Longest output, and longest text any helper makes, in bytes.
    pub output_bytes: usize,
    /// Steps of work: a step is a tag, a round of a loop, an item that a helper looks at, or 16 bytes that are made. They bound
    /// time, and memory together with the length of texts.
    pub steps: u64,
}

/// How deep blocks and subexpressions nest in a template; partials and blocks together go twice as deep while it is rendered.
/// Not a setting: it keeps the recursion within the smallest stack of a thread.
pub const DEPTH_MAX: usize = 64;

impl Default for Limits {
    /// Far above what ten thousand backends take: they are 2 MiB of text and some 200,000 steps.
    fn default() -> Self {
        Self { template_bytes: 1 << 20, output_bytes: 64 << 20, steps: 20_000_000 }
    }
}
