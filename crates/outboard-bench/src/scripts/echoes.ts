const texts = Array.from({ length: 1000 }, (_, i) => `t${i}`);
const answers = await Promise.all(texts.map((text) => bench.echo({ text })));
return answers.filter((answer, i) => answer === texts[i]).length;
