//! Every form in which models write a script, through the whole program.

use crate::harness::Session;

#[test]
fn every_form_that_models_write_works() {
    let mut session = Session::with(&[]);
    for (code, expected) in [
        ("1 + 1", "2"),
        ("const r = await fix.add({ a: 1, b: 2 });\nr.sum", "3"),
        ("const r = await fix.add({ a: 1, b: 2 });\nreturn r.sum;", "3"),
        ("(await fix.add({ a: 1, b: 2 })).sum", "3"),
        ("async () => {\n  const { sum } = await fix.add({ a: 1, b: 2 });\n  return sum;\n}", "3"),
        ("async () => { return 3 };", "3"),
        ("async function main() { return (await fix.add({ a: 1, b: 2 })).sum }\nmain()", "3"),
        ("async function main(): Promise<number> { return (await fix.add({ a: 1, b: 2 })).sum }", "3"),
        ("export default async function () { return 3 }", "3"),
        ("export default async () => 3", "3"),
        ("export default 3", "3"),
        ("function () { return 3 }", "3"),
        ("(async () => { return 3 })()", "3"),
        ("```ts\nconst x: number = 3;\nx\n```", "3"),
        ("Here is the script:\n\n```typescript\nexport default async () => 3;\n```\n", "3"),
        ("~~~js\nreturn 3\n~~~", "3"),
        ("{ a: 1, b: [2] }", "{\"a\":1,\"b\":[2]}"),
        ("({ a: 1 })", "{\"a\":1}"),
        (
            "interface R { sum: number }\nconst r = await fix.add({ a: 1, b: 2 }) as R;\nreturn r!.sum satisfies number;",
            "3",
        ),
        ("enum E { A = 3 }\nreturn E.A", "3"),
        ("type T = { n: number }\n[1, 2].map((n: number): T => ({ n })).length + 1", "3"),
        (
            "class P { constructor(private readonly n: number) {} get(): number { return this.n } }\nnew P(3).get()",
            "3",
        ),
        ("\u{feff}\"use strict\";\r\nlet x = 3;\r\nx", "3"),
        ("if (true) { 3 } else { 4 }", "3"),
        ("try { await fix.fail({}) } catch (e: any) { 3 }", "3"),
        ("const fix2 = fix[\"add\"];\n(await fix2({ a: 1, b: 2 })).sum", "3"),
    ] {
        assert_eq!(session.client.execute(code), expected, "{code}");
    }
}

#[test]
fn a_script_with_mistakes_is_not_run_and_every_mistake_has_its_place() {
    let mut session = Session::with(&[]);
    let text = session.client.failing("const a = 1;\nawait fix.count({});\nconst b = ;\n");
    assert!(text.starts_with("not run: 1 mistake\n3:11"), "{text}");
    assert!(session.client.failing("import fs from 'fs';\nfs").contains("1:1"));
    assert_eq!(session.value("(await fix.effects({})).length ?? (await fix.effects({})).effects.length"), 0);
}

#[test]
fn an_error_names_the_scripts_own_line_and_column() {
    let mut session = Session::with(&[]);
    for (code, place) in [
        ("const a: number = 1;\nconst f = (x: string): string => x.nothing.more;\nf(\"\")", "2:34"),
        ("```ts\ninterface A { b: string }\nthrow new Error(\"here\")\n```", "3:11"),
        ("enum E { A, B }\nconst o: any = null;\no!.x", "3:1"),
    ] {
        let text = session.client.failing(code);
        assert!(text.starts_with(&format!("failed at {place}: ")), "{code}\n{text}");
    }
    for code in
        ["async () => {\n  missing()\n}", "export default async function main() {\n  await fix.fail({});\n}"]
    {
        let text = session.client.failing(code);
        assert!(text.starts_with("failed at 2:") && !text.contains("called at"), "calls of our own: {text}");
    }
}
