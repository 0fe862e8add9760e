//! What the suites need beside this workspace: packages under `target/conformance`, and tools of the system.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::run;
use crate::root;

pub(super) fn folder(name: &str) -> PathBuf {
    root().join("target/conformance").join(name)
}

/// A Python with the pinned packages.
pub(super) struct Python {
    pub program: PathBuf,
    /// Folders with packages that do not lie in a virtual environment.
    pub path: Vec<PathBuf>,
}

impl Python {
    pub(super) fn install() -> Result<Self, String> {
        let requirements = root().join("conformance/python/requirements.txt");
        let (venv, site) = (folder("venv"), folder("site"));
        let isolated = Self { program: venv.join("bin/python"), path: Vec::new() };
        let beside = Self { program: "python3".into(), path: vec![site.clone()] };
        if is_current(&venv, &requirements) {
            return Ok(isolated);
        }
        if is_current(&site, &requirements) {
            return Ok(beside);
        }
        let venv_name = venv.display().to_string();
        fs::create_dir_all(folder("")).map_err(|error| format!("target/conformance: {error}"))?;
        // Some systems ship Python without ensurepip, so that a virtual environment cannot be made.
        if run("python3", &["-m", "venv", "--clear", &venv_name], &root()).is_ok() {
            isolated.pip(&requirements, &[])?;
            mark_current(&venv, &requirements)?;
            return Ok(isolated);
        }
        beside.pip(&requirements, &["--upgrade", "--target", &site.display().to_string()])?;
        mark_current(&site, &requirements)?;
        Ok(beside)
    }

    /// Adds amazon_kclpy, which brings the jars of its daemon.
    pub(super) fn with_kclpy(mut self) -> Result<Self, String> {
        let (requirements, kclpy) = (root().join("conformance/python/kcl/requirements.txt"), folder("kclpy"));
        if !is_current(&kclpy, &requirements) {
            self.pip(&requirements, &["--no-deps", "--upgrade", "--target", &kclpy.display().to_string()])?;
            mark_current(&kclpy, &requirements)?;
        }
        self.path.push(kclpy);
        Ok(self)
    }

    fn pip(&self, requirements: &Path, options: &[&str]) -> Result<(), String> {
        let wanted = requirements.display().to_string();
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", &wanted];
        let arguments: Vec<&str> = install.iter().chain(options).copied().collect();
        run(&self.program, &arguments, &root())
    }
}

/// Builds a Maven project of `conformance/java` into a folder with its jar and the `libraries` that it needs.
pub(super) fn maven(project: &str, output: &str, options: &[&str]) -> Result<PathBuf, String> {
    needs("javac", "-version", &["openjdk-17-jdk-headless"], "JDK 17 or newer")?;
    needs("mvn", "--version", &["maven"], "Maven")?;
    let output = folder(output);
    // Jars of an earlier build would stay beside those of this one.
    if output.exists() {
        fs::remove_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    }
    let into = format!("-Doutput={}", output.display());
    let quiet = ["--quiet", "--batch-mode", "-Dstyle.color=never", "--file", project, "package", &into];
    let arguments: Vec<&str> = quiet.iter().chain(options).copied().collect();
    run("mvn", &arguments, &root())?;
    Ok(output)
}

/// Checks that there is a Go which knows modules of the version that the suites ask for.
pub(super) fn go() -> Result<(), String> {
    needs("go", "version", &["golang-go"], "Go 1.24 or newer")?;
    let version = Command::new("go").args(["env", "GOVERSION"]).output().map_err(|error| format!("go: {error}"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let minor =
        version.strip_prefix("go1.").and_then(|rest| rest.split('.').next()).and_then(|n| n.parse::<u32>().ok());
    match minor {
        Some(24..) => Ok(()),
        _ => Err(format!("this suite needs Go 1.24 or newer, found {version}")),
    }
}

/// Builds Telegraf with the plugins that its suite uses.
pub(super) fn telegraf() -> Result<PathBuf, String> {
    go()?;
    let (wanted, into) = (root().join("conformance/python/shippers/telegraf.version"), folder("telegraf"));
    if !is_current(&into, &wanted) {
        let module = fs::read_to_string(&wanted).map_err(|error| format!("{}: {error}", wanted.display()))?;
        let target = format!("GOBIN={}", into.display());
        let tags = "custom,inputs.tail,outputs.kinesis,parsers.value,serializers.template";
        run("env", &[&target, "go", "install", "-trimpath", "-tags", tags, module.trim()], &root())?;
        mark_current(&into, &wanted)?;
    }
    Ok(into.join("telegraf"))
}

/// What the library of the fuzz targets is compiled with.
pub(super) fn cpp() -> Result<(), String> {
    needs("c++", "--version", &["g++"], "a C++ compiler")
}

/// Installs a missing tool where the system's package manager may be used.
fn needs(program: &str, probe: &str, packages: &[&str], name: &str) -> Result<(), String> {
    if answers(program, probe) {
        return Ok(());
    }
    let user = Command::new("id").arg("-u").output().map_err(|error| format!("id: {error}"))?;
    if user.stdout.trim_ascii() != b"0" || !answers("apt-get", "--version") {
        return Err(format!("this suite needs {name}: there is no {program} in PATH"));
    }
    run("apt-get", &["-qq", "update"], &root())?;
    let mut install = vec!["-qq", "-o", "Dpkg::Use-Pty=0", "install", "-y", "--no-install-recommends"];
    install.extend(packages);
    run("apt-get", &install, &root())
}

fn answers(program: impl AsRef<OsStr>, probe: &str) -> bool {
    let silent =
        Command::new(program).arg(probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    silent.is_ok_and(|status| status.success())
}

/// Whether `folder` was installed from `source` as it is now.
pub(super) fn is_current(folder: &Path, source: &Path) -> bool {
    match (fs::read(folder.join("installed-from")), fs::read(source)) {
        (Ok(then), Ok(now)) => then == now,
        _ => false,
    }
}

pub(super) fn mark_current(folder: &Path, source: &Path) -> Result<(), String> {
    fs::copy(source, folder.join("installed-from"))
        .map(|_| ())
        .map_err(|error| format!("{}: {error}", folder.display()))
}
