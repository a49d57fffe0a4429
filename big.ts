const big = Array.from({ length: 3_000_000 }, (_, n) => n * 1.5 + Math.random());
const sum = (await fix.add({ a: 20, b: 3 })).sum;
return [sum, big.length, big[2_999_999] > 0];
