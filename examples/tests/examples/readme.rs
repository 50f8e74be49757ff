//! The list of examples.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::support::TestResult;

#[test]
fn the_readme_names_each_example() -> TestResult {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(folder.join("../README.md"))?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rs")) {
            let name = path
                .file_stem()
                .and_then(OsStr::to_str)
                .ok_or("a name in Unicode")?;
            assert!(readme.contains(&format!("`{name}`")), "{name}");
        }
    }
    Ok(())
}
