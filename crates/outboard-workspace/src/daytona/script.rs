//! One command as a script for the sandbox's bash. It keeps what is asked for of both streams in files, ends what is marked
//! as a workspace's at the deadline, and writes one answer. The answer is hostile, as all that comes from there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use outboard_jail::HOME;
use outboard_runtime::ports::workspace::{Command, End, Ran};

/// What every process of a command has in its environment, with the sandbox's id, so that it is found.
const MARK: &str = "OUTBOARD_WORKSPACE=";
/// What a shell makes of a program that is not there, or cannot be started.
const NOT_STARTED: [i32; 2] = [126, 127];
/// Codes from here on are those of signals.
const SIGNALS: i32 = 128;

/// Ends all that is marked, more than once: something may begin meanwhile. A process that clears its environment is not found.
pub(super) fn end_all(id: &str) -> String {
    format!(
        "for o in 1 2 3; do for p in /proc/[0-9]*; do \
         grep -qzxF {MARK}{id} $p/environ 2>/dev/null && kill -KILL ${{p#/proc/}} 2>/dev/null; done; done; :"
    )
}

/// The script. `input` is the path of what it reads, if anything.
pub(super) fn script(
    id: &str,
    asked: &Command,
    environment: &[(String, String)],
    input: Option<&str>,
) -> String {
    let words = environment.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
    let words: Vec<_> = words.chain(asked.argv.iter().map(|word| quoted(word))).collect();
    let errors = if asked.merged { "2>&1" } else { "2>\"$d/e\"" };
    format!(
        "exec 2>/dev/null\n\
         d=$(mktemp -d) || exit 1\n\
         mkfifo \"$d/o\" \"$d/e\" \"$d/w\"\n\
         keep() {{ head -c {bound} >\"$d/$1.kept\"; wc -c >\"$d/$1.more\"; }}\n\
         end() {{ {end}; }}\n\
         exec 9<>\"$d/w\"\n\
         keep o <\"$d/o\" & one=$!\n\
         keep e <\"$d/e\" & two=$!\n\
         {{ read -t {deadline} -u 9 _ || {{ : >\"$d/late\"; end; }}; }} & watch=$!\n\
         {{ cd {home} && exec env {MARK}{id} {words}; }} <{input} >\"$d/o\" {errors} 9>&- & run=$!\n\
         {no_errors}\
         wait $run; code=$?\n\
         wait $one $two\n\
         echo >&9; wait $watch\n\
         late=no; [ -e \"$d/late\" ] && late=yes\n\
         echo outboard $late $code $(cat \"$d/o.more\") $(cat \"$d/e.more\")\n\
         base64 \"$d/o.kept\" | tr -d '\\n'; echo\n\
         base64 \"$d/e.kept\" | tr -d '\\n'; echo\n\
         rm -rf \"$d\"\n",
        bound = asked.output,
        end = end_all(id),
        deadline = asked.deadline.as_secs_f64(),
        home = quoted(HOME),
        words = words.join(" "),
        input = quoted(input.unwrap_or("/dev/null")),
        no_errors = if asked.merged { ": >\"$d/e\"\n" } else { "" },
    )
}

/// What became of a command, as the script tells it; nothing if it tells no such thing.
pub(super) fn ran(answer: &str, asked: &Command) -> Option<Ran> {
    let mut lines = answer.lines();
    let mut words = lines.next()?.strip_prefix("outboard ")?.split_whitespace();
    let late = words.next()? == "yes";
    let code: i32 = words.next()?.parse().ok()?;
    let more = [words.next()?.parse::<u64>().ok()?, words.next()?.parse::<u64>().ok()?];
    let mut output = STANDARD.decode(lines.next()?).ok()?;
    let mut errors = STANDARD.decode(lines.next()?).ok()?;
    // Each stream has its bound there; here both together have it.
    let bound = usize::try_from(asked.output).unwrap_or(usize::MAX);
    let came = output.len() + errors.len();
    output.truncate(bound);
    errors.truncate(bound - output.len());
    let cut = (came - output.len() - errors.len()) as u64;
    let end = match code {
        _ if late => End::Deadline,
        code if NOT_STARTED.contains(&code) && !errors.is_empty() => {
            End::NotStarted(String::from_utf8_lossy(&errors).trim().to_owned())
        }
        code if code > SIGNALS => End::Signal(code - SIGNALS),
        code => End::Code(code),
    };
    let dropped = more[0].saturating_add(more[1]).saturating_add(cut);
    Some(Ran { end, output, errors, dropped, left: 0 })
}

/// One word of a shell, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
