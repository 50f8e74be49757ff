use std::borrow::Cow;
use std::fmt;

use matchit::InsertError;
use percent_encoding::percent_decode_str;
use tidewire_proto::handshake::Request;

use super::path_parameters::PathParameters;

/// The paths that lead somewhere, each with a number: that of its route, in the order in which they were added.
#[derive(Clone, Default)]
pub struct Routes {
    tree: matchit::Router<usize>,
    routes: Vec<Route>,
}

#[derive(Clone)]
struct Route {
    path: String,
    /// Whether values of its parameters are what its handler takes.
    parses: fn(&[Cow<'_, str>]) -> bool,
}

impl Routes {
    /// Adds a route for those paths whose parameters can be read as `P`.
    ///
    /// # Errors
    /// [`InvalidRoute`]; the routes are then to be dropped.
    pub fn add<P: PathParameters>(&mut self, path: &str) -> Result<(), InvalidRoute> {
        let template = |rule| InvalidRoute::Template {
            route: path.into(),
            rule,
        };
        if !path.starts_with('/') {
            return Err(template("it must begin with a slash"));
        }
        if !path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte))
        {
            return Err(template(
                "it must be a path as it stands in a request, percent-encoded",
            ));
        }
        self.tree
            .insert(path, self.routes.len())
            .map_err(|error| match error {
                InsertError::Conflict { with } => InvalidRoute::Conflict {
                    route: path.into(),
                    with,
                },
                InsertError::InvalidParamSegment => template("between two slashes is one parameter at most"),
                InsertError::InvalidCatchAll => template("a parameter with an asterisk must be the end"),
                // The library may add others.
                InsertError::InvalidParam | _ => template("a parameter must be a name in braces"),
            })?;
        let parameters = count_parameters(path);
        if parameters != P::COUNT {
            return Err(InvalidRoute::Parameters {
                route: path.into(),
                parameters,
                taken: P::COUNT,
            });
        }
        self.routes.push(Route {
            path: path.into(),
            parses: |values| P::parse(values).is_some(),
        });
        Ok(())
    }

    /// The number of the route that a request takes, and the values of its parameters, which can be read.
    pub fn find<'r>(&self, request: &'r Request) -> Option<(usize, Vec<Cow<'r, str>>)> {
        let found = self.tree.at(request.path()).ok()?;
        let values = found.params.iter();
        // Only now, so that an encoded slash is none.
        let values = values.map(|(_, value)| percent_decode_str(value).decode_utf8().ok());
        let values = values.collect::<Option<Vec<_>>>()?;
        let route = self.routes.get(*found.value)?;
        (route.parses)(&values).then_some((*found.value, values))
    }
}

/// How many parameters a template has. A brace that is doubled stands for itself.
fn count_parameters(template: &str) -> usize {
    template.replace("{{", "").matches('{').count()
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().map(|route| &route.path))
            .finish()
    }
}

/// Why a route cannot be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRoute {
    /// A path could be meant for another route as well.
    #[error("route {route:?} conflicts with {with:?}")]
    Conflict {
        /// The route.
        route: String,
        /// The one that was there before.
        with: String,
    },
    /// It is no template of paths.
    #[error("{route:?} is no route: {rule}")]
    Template {
        /// The route.
        route: String,
        /// What it should be.
        rule: &'static str,
    },
    /// Its handler takes more parameters or fewer.
    #[error("parameters of route {route:?}: {parameters}, of its handler: {taken}")]
    Parameters {
        /// The route.
        route: String,
        /// How many it has.
        parameters: usize,
        /// How many the handler takes.
        taken: usize,
    },
}

#[cfg(test)]
mod tests {
    use tidewire_proto::handshake::Fields;

    use super::*;

    fn find(routes: &Routes, target: &str) -> Option<(usize, Vec<String>)> {
        let request = Request::new("GET", target, Fields::new()).expect("a request");
        let (number, values) = routes.find(&request)?;
        Some((number, values.into_iter().map(Cow::into_owned).collect()))
    }

    fn owned(found: Option<(usize, &[&str])>) -> Option<(usize, Vec<String>)> {
        found.map(|(number, values)| (number, values.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_path_takes_the_route_that_says_most_about_it() -> Result<(), InvalidRoute> {
        let mut routes = Routes::default();
        routes.add::<()>("/")?;
        routes.add::<()>("/rooms/lobby")?;
        routes.add::<String>("/rooms/{room}")?;
        routes.add::<(String, u32)>("/rooms/{room}/seats/{seat}")?;
        routes.add::<String>("/files/{*path}")?;
        routes.add::<u8>("/v{version}")?;
        for (target, expected) in [
            ("/", Some((0, &[][..]))),
            ("/?rooms/lobby", Some((0, &[][..]))),
            ("/rooms/lobby", Some((1, &[][..]))),
            ("/rooms/blue?seat=7", Some((2, &["blue"][..]))),
            ("/rooms/lobby/seats/7", Some((3, &["lobby", "7"][..]))),
            ("/files/a/b.txt", Some((4, &["a/b.txt"][..]))),
            ("/v1", Some((5, &["1"][..]))),
            ("ws://example.com/rooms/blue", Some((2, &["blue"][..]))),
            ("ws://example.com?a", Some((0, &[][..]))),
            ("/rooms", None),
            ("/rooms/", None),
            ("/rooms/blue/", None),
            ("/Rooms/blue", None),
            ("/rooms//seats/7", None),
            ("/rooms/blue/seats/-7", None),
            ("/rooms/blue/seats/4294967296", None),
            ("/files/", None),
            ("/v256", None),
            ("*", None),
            ("rooms/blue", None),
        ] {
            assert_eq!(find(&routes, target), owned(expected), "{target}");
        }
        Ok(())
    }

    #[test]
    fn values_are_decoded_once_the_path_is_taken_apart() -> Result<(), InvalidRoute> {
        let mut routes = Routes::default();
        routes.add::<String>("/{a}")?;
        routes.add::<String>("/caf%C3%A9/{a}")?;
        for (target, expected) in [
            ("/a%2Fb", Some((0, &["a/b"][..]))),
            ("/%C3%A4%20+", Some((0, &["ä +"][..]))),
            ("/%2541", Some((0, &["%41"][..]))),
            ("/%4", Some((0, &["%4"][..]))),
            ("/%FF", None),
            ("/caf%C3%A9/%C3%A9", Some((1, &["é"][..]))),
        ] {
            assert_eq!(find(&routes, target), owned(expected), "{target}");
        }
        Ok(())
    }

    #[test]
    fn a_route_that_cannot_be_added_says_why() {
        for (path, expected) in [
            ("/a/{c}", "route \"/a/{c}\" conflicts with \"/a/{b}\""),
            ("/d", "route \"/d\" conflicts with \"/d\""),
            ("a/{b}", "\"a/{b}\" is no route: it must begin with a slash"),
            ("", "\"\" is no route: it must begin with a slash"),
            (
                "/é/{b}",
                "\"/é/{b}\" is no route: it must be a path as it stands in a request, percent-encoded",
            ),
            (
                "/a?{b}",
                "\"/a?{b}\" is no route: it must be a path as it stands in a request, percent-encoded",
            ),
            (
                "/{b}-{c}",
                "\"/{b}-{c}\" is no route: between two slashes is one parameter at most",
            ),
            (
                "/{*b}/c",
                "\"/{*b}/c\" is no route: a parameter with an asterisk must be the end",
            ),
            ("/{}", "\"/{}\" is no route: a parameter must be a name in braces"),
            ("/{b", "\"/{b\" is no route: a parameter must be a name in braces"),
            ("/e", "parameters of route \"/e\": 0, of its handler: 1"),
            ("/{{b}}", "parameters of route \"/{{b}}\": 0, of its handler: 1"),
            (
                "/{b}/{c}",
                "parameters of route \"/{b}/{c}\": 2, of its handler: 1",
            ),
        ] {
            let mut routes = Routes::default();
            routes.add::<String>("/a/{b}").expect("a route");
            routes.add::<()>("/d").expect("a route");
            let refused = routes.add::<String>(path).map_err(|error| error.to_string());
            assert_eq!(refused, Err(expected.to_owned()), "{path}");
        }
    }
}
