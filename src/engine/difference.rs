//! Where file, engine and kernel do not say the same (layer 2): a line of `ctl diff`.

use serde::{Deserialize, Serialize};

/// One property of one object, as each of the three has it. None: that one does not have the object, or nothing of the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The object: an instance, `VS`, or `VS RS`.
    pub subject: String,
    /// Which property: `weight`, `scheduler`, `priority`, `address`, …; `object` where the whole is there or not.
    pub field: String,
    /// In the configuration file, as it is on disk now.
    pub file: Option<String>,
    /// What the engine wants, with what operators changed at run time.
    pub engine: Option<String>,
    /// What the kernel has.
    pub kernel: Option<String>,
    /// Who wants it so beside the file, since when and why; absent where no operator does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
