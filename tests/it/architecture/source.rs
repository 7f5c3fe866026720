//! Reading a Rust source for the paths that it names. Not a parser: enough of one for code that the compiler has accepted.

/// A source file, by what the architecture's rules look at.
pub(super) struct Source {
    /// Its modules, outermost first: `["engine", "sync"]` for `src/engine/sync.rs`.
    pub(super) modules: Vec<String>,
    /// Every path that it names, with its line, `crate::` and `super::` resolved and groups taken apart.
    pub(super) paths: Vec<(usize, Vec<String>)>,
    /// How many lines it has.
    pub(super) lines: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Other(char),
}

impl Source {
    /// Reads the text of `file`, a path within `src/`. Comments, literals and the test module at the end are left out.
    pub(super) fn read(file: &str, text: &str) -> Self {
        let modules = modules(file);
        let tokens = tokens(text);
        let mut paths = Vec::new();
        let mut place = 0;
        while place < tokens.len() {
            place = path(&tokens, place, &[], &mut paths);
        }
        for (_, path) in &mut paths {
            resolve(path, &modules, file);
        }
        Self { modules, paths, lines: text.lines().count() }
    }
}

/// A file `a/b.rs` or `a/b/mod.rs` is the module `a::b`; `lib.rs` and `main.rs` are the crate's root.
fn modules(file: &str) -> Vec<String> {
    let parts = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| part != "mod").filter(|part| part != "lib").collect()
}

/// Makes a path begin with the crate's name for what lies in this crate: `leadgate::store::…`.
fn resolve(path: &mut Vec<String>, modules: &[String], file: &str) {
    if path[0] == "crate" && file != "main.rs" {
        path[0] = "leadgate".into();
    }
    let up = path.iter().take_while(|word| *word == "super").count();
    if up > 0 || path[0] == "self" {
        let kept = modules.len().saturating_sub(up);
        let own = path.iter().take_while(|word| *word == "super" || *word == "self").count();
        let base = std::iter::once("leadgate".to_owned()).chain(modules[..kept].iter().cloned());
        *path = base.chain(path.drain(own..)).collect();
    }
}

/// Reads one path, or a group of them behind `prefix`, and answers where the next begins. What is no path is one token long.
fn path(
    tokens: &[(usize, Token)],
    mut place: usize,
    prefix: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut words = prefix.to_vec();
    let line = tokens[place].0;
    while let Some((_, Token::Word(word))) = tokens.get(place) {
        words.push(word.clone());
        place += 1;
        if tokens.get(place).map(|(_, token)| token) != Some(&Token::Colons) {
            break;
        }
        place += 1;
        if tokens.get(place).map(|(_, token)| token) == Some(&Token::Other('{')) {
            return group(tokens, place + 1, &words, paths);
        }
    }
    if words.len() == prefix.len() {
        return place + 1;
    }
    paths.push((line, words));
    place
}

fn group(
    tokens: &[(usize, Token)],
    mut place: usize,
    prefix: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    while let Some((_, token)) = tokens.get(place) {
        place = match token {
            Token::Other('}') => return place + 1,
            Token::Word(word) if word == "as" => place + 2,
            _ => path(tokens, place, prefix, paths),
        };
    }
    place
}

fn tokens(text: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut place, mut line) = (Vec::new(), 0, 1);
    while place < chars.len() {
        let (end, token) = token(&chars, place);
        found.extend(token.map(|token| (line, token)));
        line += chars[place..end].iter().filter(|char| **char == '\n').count();
        place = end;
    }
    let tests = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let spelt = |(_, token): &(usize, Token)| match token {
        Token::Word(word) => word.clone(),
        Token::Colons => "::".into(),
        Token::Other(other) => other.to_string(),
    };
    let begins = found.windows(tests.len() + 2).position(|window| {
        let words: Vec<String> = window.iter().map(spelt).collect();
        words[..tests.len()] == tests && words[tests.len() + 1] == "{"
    });
    found.truncate(begins.unwrap_or(found.len()));
    found
}

/// The end of the token at `place`, and what it is where that matters.
fn token(chars: &[char], place: usize) -> (usize, Option<Token>) {
    let rest = |count: usize| chars[place..].iter().take(count).collect::<String>();
    let until = |end: &dyn Fn(usize) -> bool| (place + 1..chars.len()).find(|at| end(*at)).unwrap_or(chars.len());
    match chars[place] {
        '/' if rest(2) == "//" => (until(&|at| chars[at] == '\n'), None),
        '/' if rest(2) == "/*" => ((until(&|at| chars[at - 1] == '*' && chars[at] == '/') + 1).min(chars.len()), None),
        '"' => (quoted(chars, place), None),
        'b' if rest(2) == "b\"" => (quoted(chars, place + 1), None),
        'r' if rest(2) == "r\"" || rest(2) == "r#" => (raw(chars, place), None),
        'b' if rest(3) == "br\"" || rest(3) == "br#" => (raw(chars, place + 1), None),
        '\'' => (quote(chars, place), None),
        ':' if rest(2) == "::" => (place + 2, Some(Token::Colons)),
        first if first.is_alphabetic() || first == '_' => {
            let end = until(&|at| !chars[at].is_alphanumeric() && chars[at] != '_');
            (end, Some(Token::Word(chars[place..end].iter().collect())))
        }
        first if first.is_whitespace() => (place + 1, None),
        other => (place + 1, Some(Token::Other(other))),
    }
}

fn quoted(chars: &[char], quote: usize) -> usize {
    let mut place = quote + 1;
    while place < chars.len() && chars[place] != '"' {
        place += if chars[place] == '\\' { 2 } else { 1 };
    }
    (place + 1).min(chars.len())
}

fn raw(chars: &[char], r: usize) -> usize {
    let hashes = chars[r + 1..].iter().take_while(|char| **char == '#').count();
    let open = r + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return r + 1;
    }
    let closed = |at: &usize| chars[*at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    (open + 1..chars.len()).find(closed).map_or(chars.len(), |at| at + 1 + hashes)
}

/// A character ends with a quote, a lifetime does not.
fn quote(chars: &[char], place: usize) -> usize {
    match (chars.get(place + 1), chars.get(place + 2)) {
        (Some('\\'), _) => (place + 3..chars.len()).find(|at| chars[*at] == '\'').map_or(chars.len(), |at| at + 1),
        (Some(_), Some('\'')) => place + 3,
        _ => place + 1,
    }
}
