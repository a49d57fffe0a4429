//! The guest's own JSON reader and writer against QuickJS's, which are still there behind a reviver
//! and a replacer that change nothing.

use std::fmt::Write;

use outboard_runtime::json::Json;

use crate::host::{End, run, world};

/// Compares the readers on each text: as delivered by the host, and through JSON.parse.
async fn check_reading(texts: &[String]) {
    let program = format!(
        "const wrong = [];
         for (const text of {}) {{
             const expected = JSON.stringify(JSON.parse(text, (k, v) => v), (k, v) => v);
             const fresh = JSON.parse(text), delivered = await t.json({{ text }});
             if (JSON.stringify(fresh, (k, v) => v) !== expected) wrong.push(['parsed', text]);
             if (JSON.stringify(delivered, (k, v) => v) !== expected) wrong.push(['delivered', text]);
             if (JSON.stringify(fresh) !== expected) wrong.push(['written', text]);
             if (JSON.stringify(fresh, null, 2) !== JSON.stringify(fresh, (k, v) => v, 2)) wrong.push(['indented', text]);
             if (Object.is(fresh, -0) !== Object.is(delivered, -0)) wrong.push(['zero', text]);
         }}
         wrong",
        Json::from_serialize(&texts).unwrap()
    );
    assert_eq!(run(world(&program)).await.end, End::Finished(Some(Json::parse("[]").unwrap())));
}

#[tokio::test]
async fn values_are_read_as_the_language_reads_them() {
    let texts = [
        "0",
        "-0",
        "1",
        "-1",
        "123456789",
        "1234567890",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9007199254740993",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
        "0.1",
        "-0.5",
        "1.5e3",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "2.2250738585072011e-308",
        "0.1234567890123456789",
        "1E+2",
        "100.000",
        "3.141592653589793",
        "123456.789012345",
        "99999999999999.9",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "\"exactly sixteen!\"",
        "\"seventeen letters\"",
        "\"é\"",
        "\"ÿ\"",
        "\"€\"",
        "\"😀\"",
        "\"a\\u0041\\n\\t\\\"\\\\\\/\\b\\f\\r\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\\ud800\\u0041\"",
        "\"€\\u00e9\"",
        "\"12345678é\"",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        " [ 1 , 2 ] ",
        "\n{\t\"a\" :\r1 }\n",
        "[[[[]]],{}]",
        "[1,[2,[3,{\"a\":[4]}]]]",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"b\":2,\"a\":3}",
        "{\"__proto__\":{\"x\":1}}",
        "{\"__proto__\":null,\"a\":1}",
        "{\"2\":1,\"1\":2,\"b\":3,\"a\":4,\"-1\":5,\"01\":6,\"4294967295\":7}",
        "{\"\":1}",
        "{\"a\\u0062\":1,\"ab\":2}",
        "{\"é\":1,\"Ã©\":2}",
        "{\"constructor\":1,\"toJSON\":2,\"then\":3,\"length\":4}",
        "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},{\"b\":5,\"a\":6},{\"a\":7},{\"a\":8,\"b\":9,\"c\":10},{},{\"a\":1,\"b\":2}]",
        "[{\"a\":1},{\"a\":1,\"b\":2},{\"a\":1,\"b\":2,\"c\":3},{\"a\":1,\"b\":2},{\"a\":1}]",
        "[{\"a\":{\"x\":1}},{\"a\":{\"y\":1}},{\"a\":{\"x\":2,\"y\":3}},{\"a\":[]},{\"a\":null}]",
        "[{\"1\":1},{\"1\":2},{\"a\":1,\"1\":3},{\"a\":1,\"1\":3}]",
        "[{\"__proto__\":1},{\"__proto__\":2}]",
        "[{\"a\\u0062\":1},{\"a\\u0062\":2},{\"ab\":3}]",
    ];
    check_reading(&texts.map(str::to_owned)).await;
}

#[tokio::test]
async fn generated_values_are_read_as_the_language_reads_them() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    for _ in 0..20 {
        let texts: Vec<_> = (0..50)
            .map(|_| {
                let mut text = String::new();
                generate(&mut dice, 4, &mut text);
                text
            })
            .collect();
        check_reading(&texts).await;
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_in_the_words_of_the_language() {
    let program = r#"
        const wrong = [];
        for (const text of ['', ' ', '{', '[', '[1', '[1,', '[1,]', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{a:1}', "'a'", '"a', '"\n"', '"\\x"', '"\\u12"',
            '01', '1.', '.5', '-', '+1', '1e', '1e+', 'tru', 'truex', 'nul', 'NaN', 'undefined', '[1]]', '1 2', '{"a":1}}', '\u00a01', '"\u0000"', '"a\\', '[1 2]', '{"a" 1}', '\ufeff1']) {
            const message = (f) => { try { return ['value', f()] } catch (e) { return [e.name, e.message] } };
            const fast = message(() => JSON.parse(text)), slow = message(() => JSON.parse(text, (k, v) => v));
            if (fast[0] !== 'SyntaxError' || String(fast) !== String(slow)) wrong.push([text, fast, slow]);
        }
        wrong"#;
    assert_eq!(run(world(program)).await.transcript, "value []\n");
}

#[tokio::test]
async fn values_are_written_as_the_language_writes_them() {
    let program = r#"
        const shared = { s: 1 }, cycle = {}; cycle.a = { b: cycle };
        class P { x = 1; #y = 2; get z() { return 3 } static w = 4 }
        const grows = { a: { toJSON() { grows.c = 1; delete grows.b; return 'a' } }, b: 2 };
        const shrinks = [{ toJSON() { shrinks.length = 1; return 1 } }, 2, 3];
        const big = {}; for (let i = 0; i < 2000; i++) big['k' + i] = i; for (let i = 0; i < 1000; i++) delete big['k' + i];
        const values = [undefined, null, () => 1, Symbol('x'), 1, -0, NaN, Infinity, 1e21, 1e-7, 'x', '\ud800', '\udc00\ud800', 'a\ud83d\ude00b', '\u2028\u0007"\\/\b\f', true,
            [undefined, () => 1, Symbol()], { u: undefined, f() {}, [Symbol('s')]: 1, n: null }, new Map([[1, 2]]), new Set([1]), new Date(0), new Date(NaN), /x/g, new Error('e'),
            Object(1), Object('s'), Object(true), Object(Symbol()), new Uint8Array([1, 2]), new ArrayBuffer(2), Promise.resolve(1), new P(), P, [, 1, , 2], Array(3),
            { b: 1, 2: 2, a: 3, 1: 4, '-1': 5 }, [shared, shared], cycle, [[[]]], {}, [], { a: {}, b: [] }, 1n, [1n], Object(1n), Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true }, hidden: { value: 2 } }),
            { toJSON(k) { return k + '!' } }, { a: { toJSON: (k) => ({ k }) } }, [{ toJSON: (k) => typeof k + k }], { toJSON() { return undefined } }, { toJSON() { return () => 1 } }, { toJSON: 5 }, { toJSON() { return { toJSON() { return 2 } } } },
            grows, shrinks, big, new Proxy({ a: 1 }, {}), new Proxy([1], {}), Object.assign([1, 2], { extra: 1 }), { get a() { return 1 } }, { get a() { throw new RangeError('g') } }, { toJSON() { throw new RangeError('t') } },
            Object.assign(Object('boxed'), { toString: () => 'changed' }), Object.assign(Object(1), { valueOf: () => 7 }), JSON.rawJSON ? JSON.rawJSON('"raw"') : 1, Object.freeze({ a: 1 }), new (class extends Array {})(3), (function () { return arguments })(1, 2), t];
        const gaps = [undefined, null, 0, 2, 3.7, 20, -1, '', '\t', 'ab', 'abcdefghijklmnop', true, {}, Object(2), Object('--'), 'é'];
        const wrong = [];
        const out = (f) => { try { return ['text', f()] } catch (e) { return [e.name, e.message] } };
        for (let i = 0; i < values.length; i++) for (const gap of i < 5 ? gaps : gaps.slice(0, 10)) {
            if (values[i] === grows) { grows.b = 2; delete grows.c } if (values[i] === shrinks) { shrinks[1] = 2; shrinks[2] = 3 }
            const fast = out(() => JSON.stringify(values[i], null, gap));
            if (values[i] === grows) { grows.b = 2; delete grows.c } if (values[i] === shrinks) { shrinks[1] = 2; shrinks[2] = 3 }
            const slow = out(() => JSON.stringify(values[i], (k, v) => v, gap));
            if (String(fast) !== String(slow)) wrong.push([i, String(gap), fast, slow]);
        }
        BigInt.prototype.toJSON = function () { return `${this}n` };
        [wrong, JSON.stringify([1n]), values.length, JSON.stringify({ a: [1, { b: 2 }] }, ['a'], 1)]"#;
    let run = run(world(program)).await;
    assert_eq!(
        run.transcript,
        "value [[],\"[\\\"1n\\\"]\",69,\"{\\n \\\"a\\\": [\\n  1,\\n  {}\\n ]\\n}\"]\n"
    );
}

/// A small generator of pseudo-random numbers; failures repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// Writes a value whose objects have few keys in varying order, as results of tools have.
fn generate(dice: &mut Dice, depth: u64, out: &mut String) {
    const KEYS: &[&str] = &[
        "id",
        "name",
        "a",
        "b",
        "user_id",
        "é",
        "k\\u0065y",
        "1",
        "20",
        "__proto__",
        "",
        "long key with spaces",
    ];
    const STRINGS: &[&str] = &[
        "",
        "x",
        "login",
        "a longer text than sixteen",
        "é",
        "€uro",
        "q\\\"uote",
        "\\ud83d\\ude00",
        "\\ud800",
        "tab\\t",
        "12345678",
        "ÿ\\u00ff",
    ];
    let blank = |dice: &mut Dice, out: &mut String| {
        if dice.roll(8) == 0 {
            out.push(' ');
        }
    };
    blank(dice, out);
    match dice.roll(if depth == 0 { 4 } else { 8 }) {
        0 => write!(out, "{}", i64::try_from(dice.roll(1 << 40)).unwrap() - (1 << 39)).unwrap(),
        1 => write!(
            out,
            "{}.{}e{}",
            dice.roll(1000),
            dice.roll(1 << 30),
            i64::try_from(dice.roll(60)).unwrap() - 30
        )
        .unwrap(),
        2 => out.push_str(["true", "false", "null", "0", "-0", "-7"][usize::try_from(dice.roll(6)).unwrap()]),
        3 => write!(out, "\"{}\"", STRINGS[usize::try_from(dice.roll(12)).unwrap()]).unwrap(),
        4 | 5 => {
            out.push('[');
            let count = dice.roll(6);
            for i in 0..count {
                generate(dice, depth - 1, out);
                out.push_str(if i + 1 < count { "," } else { "" });
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            let (count, first) = (dice.roll(7), dice.roll(12));
            for i in 0..count {
                let key = if dice.roll(5) == 0 { dice.roll(12) } else { (first + i) % 12 };
                write!(out, "\"{}\"", KEYS[usize::try_from(key).unwrap()]).unwrap();
                blank(dice, out);
                out.push(':');
                generate(dice, depth - 1, out);
                out.push_str(if i + 1 < count { "," } else { "" });
            }
            out.push('}');
        }
    }
    blank(dice, out);
}
