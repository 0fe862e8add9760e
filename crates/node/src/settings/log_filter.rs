//! What is logged: a level, or levels by target.

/// From nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Why a text is not a filter; `None` when it is one. A filter is a list of `LEVEL` and `TARGET=LEVEL`, parted by
/// commas. A target is a path of Rust modules. Who reads the filter would take a misspelt level for a target, and log
/// nothing.
pub fn fault(filter: &str) -> Option<String> {
    filter.split(',').find_map(|directive| {
        let (target, level) =
            directive.split_once('=').map_or((None, directive), |(target, level)| (Some(target), level));
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            return Some(format!("{level:?} is not one of {}", LEVELS.join(", ")));
        }
        let is_path = |target: &str| {
            !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
        };
        target.filter(|target| !is_path(target)).map(|target| format!("{target:?} is not a target, such as gateway"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_filters_are_found() {
        for good in
            ["info", "off", "WARN", "info,gateway=debug", "gateway=trace", "error,store_local::log=debug,hyper=off"]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in
            ["", "loud", "info,gateway=loud", "info,", "gateway", "gateway=", "=info", "a b=info", "info gateway"]
        {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
