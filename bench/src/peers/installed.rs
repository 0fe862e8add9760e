//! What `cargo xtask bench peers` has installed, as it wrote it down.

use std::path::Path;

use serde::Deserialize;

/// One program, or why it is not there.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Program {
    pub name: String,
    #[serde(default)]
    pub version: String,
    /// The program and its first arguments.
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Why it cannot be had.
    #[serde(default)]
    pub missing: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Programs(Vec<Program>);

impl Programs {
    /// An empty path stands for nothing installed.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        if path.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read(path).map_err(|error| fail(&error))?;
        serde_json::from_slice(&text).map(Self).map_err(|error| fail(&error))
    }

    /// # Errors
    /// Why the program is not there.
    pub(super) fn find(&self, name: &str) -> Result<&Program, String> {
        let program = self.0.iter().find(|program| program.name == name);
        let program = program.ok_or("it was not asked to be installed")?;
        match &program.missing {
            Some(reason) => Err(reason.clone()),
            None => Ok(program),
        }
    }
}
