import asyncio

texts = [f"t{i}" for i in range(1000)]
answers = await asyncio.gather(*(bench.echo(text=text) for text in texts))
sum(answer == text for answer, text in zip(answers, texts))
