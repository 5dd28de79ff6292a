//! Cleaning up: what is found in folders with planted copies, and moving files aside and back.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{done, kith, pets, picture, refused, trained, write_picture};

fn clean(folder: &Path, data: &str, out: &str) -> Value {
    done(folder, &["clean", "--data", data, "--checkpoint", "run", "--out", out])
}

fn of<'a>(cleaned: &'a Value, kind: &str) -> Vec<&'a Value> {
    let findings = cleaned["findings"].as_array().expect("findings");
    findings.iter().filter(|finding| finding["finding"] == kind).collect()
}

#[test]
fn copies_are_found_and_told_in_every_form() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    pets(folder.path(), 40);
    let at = |path: &str| folder.path().join("pets").join(path);
    // A copy, a copy under another label, and a larger file, which is rather kept.
    fs::copy(at("cat/03.png"), at("cat/copy.png")).expect("a copy");
    fs::copy(at("cat/05.png"), at("dog/5 <same>.png")).expect("a copy");
    picture(107).save(at("dog/zz.bmp")).expect("a copy");
    fs::write(at("dog/notes.txt"), "stray").expect("a file");
    fs::write(at("dog/broken.png"), "no image").expect("a file");

    let cleaned = clean(folder.path(), "folder:pets", "found");
    assert_eq!(cleaned["images"], 83);
    let copies = of(&cleaned, "near_duplicate");
    let find = |file: &str| {
        let mut all = copies.iter().filter(|finding| finding["file"] == file);
        *all.next().unwrap_or_else(|| panic!("{file} is found: {copies:?}"))
    };
    let reason = |file: &str| find(file)["reason"].as_str().expect("words").to_owned();
    assert!(reason("cat/copy.png").contains("looks like cat/03.png, which is kept"));
    let other = reason("dog/5 <same>.png");
    assert!(other.contains("labelled dog here and cat there"), "{other}");
    assert!(reason("dog/07.png").contains("looks like dog/zz.bmp"), "{}", reason("dog/07.png"));
    assert!(cleaned["folder"].as_str().expect("a folder").ends_with("/pets"), "{cleaned}");
    for finding in &copies {
        assert!(finding["score"].as_f64().expect("a cosine") > 0.0, "{finding}");
        assert!(finding["group"].is_u64(), "{finding}");
    }

    let out = folder.path().join("found");
    let kept: Value = serde_json::from_slice(&fs::read(out.join("clean.json")).expect("a file"))
        .expect("clean.json is JSON");
    assert_eq!(kept, cleaned, "what is printed is kept");
    let table = fs::read_to_string(out.join("clean.csv")).expect("a table");
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("file,split,finding,score,group,label,suggested,reason"),
        "{table}"
    );
    assert_eq!(lines.count(), cleaned["findings"].as_array().expect("findings").len());
    let page = fs::read_to_string(out.join("report.html")).expect("a report");
    for words in [
        "script-src 'sha256-",
        "data-folder=\"/",
        "Near-duplicates: ",
        "5 &lt;same&gt;.png",
        "recompressed",
    ] {
        assert!(page.contains(words), "{words} stands in the report");
    }
    assert!(!page.contains("<same>"));
    // Another time the same, over the earlier files.
    let again = clean(folder.path(), "folder:./pets", "found");
    assert_eq!(again["findings"], cleaned["findings"]);
}

#[test]
fn data_that_have_little_to_compare_are_looked_at_too() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let at = |path: &str| folder.path().join(path);
    for number in 0..6 {
        write_picture(&at(&format!("one/only/{number}.png")), number);
        write_picture(&at(&format!("loose/{number}.png")), number);
        write_picture(&at(&format!("flat/{}/{number}.png", number % 2)), 3);
    }
    (0..2).for_each(|number| write_picture(&at(&format!("two/{number}.png")), number));
    for (data, images) in [("folder:one", 6), ("folder:loose", 6), ("folder:two", 2)] {
        let cleaned = clean(folder.path(), data, "out");
        assert_eq!((&cleaned["images"], &cleaned["labelled"]), (&json!(images), &json!(0)));
        assert_eq!(cleaned["findings"], json!([]), "{data}");
        assert_eq!(cleaned["doubtful_labels"], Value::Null);
        let note = cleaned["notes"][0].as_str().expect("a note");
        assert!(note.contains("no labels: only near-duplicates and outliers"), "{note}");
        let page = fs::read_to_string(at("out/report.html")).expect("a report");
        assert!(page.contains("Near-duplicates: 0") && !page.contains("Save the list"));
    }
    // All images are one, in two classes.
    let flat = clean(folder.path(), "folder:flat", "out");
    assert_eq!(flat["near_duplicates"]["groups"], 1);
    assert_eq!(flat["near_duplicates"]["found"], 5);
    let notes = flat["notes"].to_string();
    assert!(notes.contains("Labels are not judged"), "{notes}");

    // Images that are no files have names all the same.
    let words = ["clean", "--checkpoint", "run", "--out", "g"];
    let gallery = done(folder.path(), &words);
    assert_eq!((&gallery["images"], &gallery["folder"]), (&json!(3672), &Value::Null));
    assert_eq!(gallery["doubtful_labels"]["judged"], 3672);
}

#[test]
fn what_cannot_be_cleaned_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    pets(folder.path(), 2);
    let data = ["clean", "--data", "folder:pets"];
    let with = |more: &[&'static str]| [&data[..], more].concat();
    let (status, code, text) = refused(folder.path(), &data);
    assert_eq!((status, code.as_str()), (3, "CHECKPOINT_MISSING"), "{text}");
    assert!(text.contains("kith pretrain --data folder:pets"), "{text}");
    let (status, code, text) =
        refused(folder.path(), &with(&["--checkpoint", "run", "--out", "run"]));
    assert_eq!((status, code.as_str()), (3, "OUT_IS_RUN"), "{text}");
    let words = with(&["--checkpoint", "run", "--duplicates", "-1"]);
    let output = kith(folder.path(), &words).output().expect("it starts");
    assert!(!output.status.success(), "a share below 0");
    let (_, code, text) =
        refused(folder.path(), &with(&["--checkpoint", "run", "--duplicates=-1"]));
    assert_eq!(code, "SETTING", "{text}");
    let (_, code, _) = refused(folder.path(), &with(&["--checkpoint", "nowhere"]));
    assert_eq!(code, "NOT_FOUND");
    fs::write(folder.path().join("pets/labels.csv"), "file,label\ncat/99.png,cat\n")
        .expect("written");
    let (status, _, text) = refused(folder.path(), &with(&["--checkpoint", "run"]));
    assert!(status == 3 && text.contains("labels.csv"), "{text}");
    for words in [
        &["--apply", "x"][..],
        &["--move-to", "x"],
        &["--undo", "x", "--apply", "y", "--move-to", "z"],
        &["--undo", "x", "--checkpoint", "run"],
    ] {
        let output = kith(folder.path(), &with(words)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{words:?} is a wrong command line");
    }
}

/// A folder of small text files, which are moved as images are.
fn files(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join("data").join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, name).expect("a file");
    }
}

fn list(folder: &Path, names: &[&str]) {
    let root = folder.join("data").canonicalize().expect("a folder");
    let files: Vec<Value> = names.iter().map(|name| json!({ "file": name })).collect();
    let list = json!({ "folder": root.to_string_lossy(), "files": files });
    fs::write(folder.join("list.json"), list.to_string()).expect("a list");
}

const APPLY: [&str; 5] = ["clean", "--apply", "list.json", "--move-to", "aside"];
const UNDO: [&str; 3] = ["clean", "--undo", "aside"];

#[test]
fn files_are_moved_aside_and_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    let text = |path: &str| fs::read_to_string(at(path)).ok();
    files(folder.path(), &["a/1.png", "a/2.png", "b/deep/1.png", "3 é.png"]);
    list(
        folder.path(),
        &["a/1.png", "b/deep/1.png", "3 é.png", "a/1.png", "no.png", "../list.json"],
    );
    let moved = done(folder.path(), &APPLY);
    assert_eq!((&moved["moved"], &moved["already"]), (&json!(3), &json!(0)), "{moved}");
    let stayed = moved["stayed"].to_string();
    assert!(
        stayed.contains("there is no such file") && stayed.contains("no path within"),
        "{stayed}"
    );
    assert_eq!(text("aside/b/deep/1.png").as_deref(), Some("b/deep/1.png"));
    assert!(text("data/a/1.png").is_none() && text("data/a/2.png").is_some());

    let again = done(folder.path(), &APPLY);
    assert_eq!((&again["moved"], &again["already"]), (&json!(0), &json!(3)), "{again}");
    // More of the same folder may follow.
    list(folder.path(), &["a/2.png"]);
    assert_eq!(done(folder.path(), &APPLY)["moved"], 1);

    let back = done(folder.path(), &UNDO);
    assert_eq!((&back["moved"], &back["stayed"]), (&json!(4), &json!([])), "{back}");
    for name in ["a/1.png", "a/2.png", "b/deep/1.png", "3 é.png"] {
        assert_eq!(text(&format!("data/{name}")).as_deref(), Some(name));
    }
    assert!(!at("aside").exists(), "nothing is left of it");
    let (status, code, said) = refused(folder.path(), &UNDO);
    assert_eq!((status, code.as_str()), (3, "NOTHING_MOVED"), "{said}");

    // A list by hand, a path a line.
    fs::write(at("list.json"), "a/1.png\n\n3 é.png\n").expect("a list");
    let (_, code, said) = refused(folder.path(), &APPLY);
    assert!(code == "NO_FOLDER" && said.contains("--data folder:DIR"), "{said}");
    let words = [&APPLY[..], &["--data", "folder:data"]].concat();
    assert_eq!(done(folder.path(), &words)["moved"], 2);
    assert_eq!(done(folder.path(), &UNDO)["moved"], 2);
    fs::write(at("list.json"), "").expect("a list");
    assert_eq!(done(folder.path(), &words)["moved"], 0);
    assert!(!at("aside").exists(), "an empty list makes no folder");
}

#[test]
fn nothing_is_ever_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    files(folder.path(), &["a/1.png", "a/2.png"]);
    list(folder.path(), &["a/1.png", "a/2.png"]);
    fs::create_dir_all(at("aside/a")).expect("a folder");
    fs::write(at("aside/a/1.png"), "mine").expect("a file");
    let moved = done(folder.path(), &APPLY);
    assert_eq!(moved["moved"], 1, "{moved}");
    let reason = moved["stayed"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("another file is at") && reason.contains("1.png"), "{reason}");
    assert_eq!(fs::read(at("aside/a/1.png")).expect("a file"), b"mine");
    assert_eq!(fs::read(at("data/a/1.png")).expect("a file"), b"a/1.png");

    // The old place is taken meanwhile.
    fs::write(at("data/a/2.png"), "newer").expect("a file");
    for _ in 0..2 {
        let back = done(folder.path(), &UNDO);
        assert_eq!(
            (&back["moved"], back["stayed"][0]["file"].as_str()),
            (&json!(0), Some("a/2.png"))
        );
        assert_eq!(fs::read(at("data/a/2.png")).expect("a file"), b"newer");
        assert_eq!(fs::read(at("aside/a/2.png")).expect("a file"), b"a/2.png");
    }
    fs::remove_file(at("data/a/2.png")).expect("removed");
    assert_eq!(done(folder.path(), &UNDO)["moved"], 1);
    assert_eq!(fs::read(at("data/a/2.png")).expect("a file"), b"a/2.png");
    assert_eq!(fs::read(at("aside/a/1.png")).expect("a file"), b"mine", "what was there stays");
}

/// A journal as a killed process leaves it.
fn journal(folder: &Path, names: &[&str]) {
    let from = folder.join("data").canonicalize().expect("a folder");
    let journal = json!({ "format": 1, "from": from.to_string_lossy(), "files": names });
    fs::create_dir_all(folder.join("aside/a")).expect("a folder");
    fs::write(folder.join("aside/kith-moves.json"), journal.to_string()).expect("a journal");
}

#[test]
fn a_kill_between_journal_and_move_is_no_harm() {
    let names = ["a/1.png", "a/2.png", "a/3.png"];
    for undo in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        files(folder.path(), &names);
        list(folder.path(), &names);
        // The first was moved, the second has both names, the third was not begun.
        journal(folder.path(), &names);
        fs::rename(at("data/a/1.png"), at("aside/a/1.png")).expect("moved");
        fs::hard_link(at("data/a/2.png"), at("aside/a/2.png")).expect("linked");
        let (words, here, there) =
            if undo { (&UNDO[..], "data", "aside") } else { (&APPLY[..], "aside", "data") };
        let result = done(folder.path(), words);
        assert_eq!((&result["moved"], &result["already"]), (&json!(2), &json!(1)), "{result}");
        for name in names {
            assert_eq!(fs::read(at(&format!("{here}/{name}"))).expect("a file"), name.as_bytes());
            assert!(!at(&format!("{there}/{name}")).exists(), "{name} is in one place");
        }
    }
}

#[test]
fn places_that_will_not_do_are_refused_before_anything_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    files(folder.path(), &["a/1.png"]);
    list(folder.path(), &["a/1.png"]);
    fs::write(at("file"), "text").expect("a file");
    let to = |to: &'static str| ["clean", "--apply", "list.json", "--move-to", to];
    for inside in ["data", "data/new/deep", "data/../data/x", "new/../data/x"] {
        let (status, code, text) = refused(folder.path(), &to(inside));
        assert_eq!((status, code.as_str()), (3, "INSIDE"), "{inside}: {text}");
    }
    let (status, code, text) = refused(folder.path(), &to("file/below"));
    assert_eq!((status, code.as_str()), (4, "NOT_A_DIRECTORY"), "{text}");
    if cfg!(target_os = "linux") {
        // Nobody may make a folder there.
        let (status, code, text) = refused(folder.path(), &to("/sys/kith"));
        assert_eq!(status, 4, "{code}: {text}");
    }
    fs::create_dir_all(at("aside")).expect("a folder");
    fs::write(
        at("aside/kith-moves.json"),
        json!({ "format": 1, "from": "/elsewhere", "files": ["b.png"] }).to_string(),
    )
    .expect("a journal");
    let (status, code, text) = refused(folder.path(), &to("aside"));
    assert_eq!((status, code.as_str()), (3, "OTHER_MOVES"), "{text}");
    for data in ["idx:data", "stl10:data", "parquet:data", "tar:data"] {
        let words = [&to("new")[..], &["--data", data]].concat();
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, "NO_FILES"), "{data}: {text}");
        assert!(text.contains(data), "{text}");
    }
    fs::write(at("list.json"), r#"{"folder": null, "files": ["test/3"]}"#).expect("a list");
    let (status, code, text) = refused(folder.path(), &to("new"));
    assert_eq!((status, code.as_str()), (3, "NO_FILES"), "{text}");
    fs::write(at("list.json"), "{").expect("a list");
    assert_eq!(refused(folder.path(), &to("new")).1, "LIST");
    assert!(at("data/a/1.png").exists() && !at("new").exists());
}

#[cfg(unix)]
#[test]
fn links_are_left_alone() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &str| folder.path().join(path);
    files(folder.path(), &["a/1.png"]);
    fs::create_dir(at("elsewhere")).expect("a folder");
    fs::write(at("elsewhere/2.png"), "2").expect("a file");
    symlink(at("elsewhere"), at("data/linked")).expect("a link");
    symlink(at("elsewhere/2.png"), at("data/a/2.png")).expect("a link");
    list(folder.path(), &["a/2.png", "linked/2.png", "a"]);
    let moved = done(folder.path(), &APPLY);
    assert_eq!(moved["moved"], 0, "{moved}");
    let stayed = moved["stayed"].to_string();
    for reason in ["this is a link", "behind a link that leads out", "this is no file"] {
        assert!(stayed.contains(reason), "{reason}: {stayed}");
    }
    assert!(at("elsewhere/2.png").exists() && at("data/a/2.png").is_symlink());
}
