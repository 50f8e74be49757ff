use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::shown::Escaped;

/// Reads a file with a line `USER:PASSWORD` for each user; what is wrong with it is told without its text.
pub(super) fn read(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let name = file.display().to_string();
    let name = format!("--basic-auth {}", Escaped(&name));
    let text = fs::read_to_string(file).map_err(|error| Failure::start(&name, error))?;
    parse(&text).map_err(|error| Failure::start(name, error))
}

fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let users = lines.map(|(above, line)| {
        // RFC 7617 §2: the first colon ends the user's name.
        match line.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Ok((user.to_owned(), password.to_owned()))
            }
            Some(_) | None => Err(format!("line {} is not USER:PASSWORD", above + 1)),
        }
    });
    let users: Vec<_> = users.collect::<Result<_, _>>()?;
    if users.is_empty() {
        return Err("no user in it".into());
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_what_stands_before_the_first_colon() {
        let users = parse("ada:correct horse\r\n\nbob:a:b \n").expect("users");
        let users: Vec<_> = users
            .iter()
            .map(|(user, password)| (&**user, &**password))
            .collect();
        assert_eq!(users, [("ada", "correct horse"), ("bob", "a:b ")]);
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number_and_not_shown() {
        for (text, told) in [
            ("", "no user in it"),
            ("\n\n", "no user in it"),
            ("ada:secret\nsecret", "line 2 is not USER:PASSWORD"),
            ("\n:secret\n", "line 2 is not USER:PASSWORD"),
            ("ada:\n", "line 1 is not USER:PASSWORD"),
        ] {
            assert_eq!(
                parse(text).as_ref().map_err(String::as_str),
                Err(told),
                "{text:?}"
            );
        }
    }
}
