// tools.pages(tool, input): each page that a tool gives, one call for each, until none comes after it:
// `for await (const page of tools.pages(github.list_issues, { repo })) …`. What comes after a page is the host's to say.
(function (host) {
  const { p, page } = host;
  const { tools } = globalThis;

  async function* pages(tool, input) {
    let given = input;
    for (;;) {
      const { value, next } = await page(tool, given);
      yield value;
      if (next === null) return;
      given = { ...given, ...next };
    }
  }

  p.defineProperty(tools, 'pages', { __proto__: null, value: pages, writable: false, enumerable: true, configurable: false });
})
