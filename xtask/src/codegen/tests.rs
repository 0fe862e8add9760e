//! Every model that we keep must generate, also those that no room serves yet.

use super::*;

/// What is generated for a whole model, with nothing left out.
fn whole(service: &'static str) -> Target {
    Target { service, served: Served::AllBut(&[]), optional: &[], required: &[], packed: &[] }
}

/// rustfmt parses what it formats, so text that comes back is Rust.
#[test]
fn every_model_generates() {
    let root = crate::root();
    for service in extract::SERVICES {
        let files = generate(&root, &whole(service)).expect(service);
        for (name, text) in &files {
            let lines = text.lines().count();
            assert!(text.starts_with("// @generated"), "{service}/{name}");
            // A trait and a list of modules cannot be spread over files; what we serve whole has far fewer of them.
            assert!(
                lines <= 800 || matches!(name.as_str(), "contract.rs" | "mod.rs"),
                "{service}/{name} has {lines} lines"
            );
        }
    }
}

#[test]
fn every_pattern_of_a_served_service_is_checked() {
    for target in TARGETS {
        let model = load(&crate::root(), target.service).expect(target.service);
        let patterns = Patterns::new(&Plan::new(&model, target));
        assert!(patterns.unrecognised.is_empty(), "{}: {:?}", target.service, patterns.unrecognised);
    }
}

#[test]
fn committed_code_is_what_the_models_give() {
    run(&["--check"]).expect("no drift");
}

/// `ServiceModel::operation` searches by halves.
#[test]
fn operations_are_in_order() {
    for service in extract::SERVICES {
        let model = load(&crate::root(), service).expect(service);
        let names: Vec<&str> = model.operations.iter().map(|(name, _)| name).collect();
        assert!(names.is_sorted(), "{service}");
    }
}

/// The choices of a target name things that exist.
#[test]
fn choices_fit_their_model() {
    for target in TARGETS {
        let model = load(&crate::root(), target.service).expect(target.service);
        for operation in target.served.names() {
            assert!(model.operations.get(operation).is_some(), "{operation}");
        }
        for member in target.optional.iter().chain(target.required) {
            let (shape, member) = member.split_once('.').expect("Shape.Member");
            assert!(model.shape(shape).members.get(member).is_some(), "{shape}.{member}");
        }
    }
}

/// The models hold facts and no prose.
#[test]
fn models_hold_no_documentation() {
    for service in extract::SERVICES {
        let path = crate::root().join("models").join(format!("{service}.json"));
        let text = fs::read_to_string(path).expect(service);
        assert!(!text.contains("\"documentation\"") && !text.contains("<p>"), "{service}");
    }
}
