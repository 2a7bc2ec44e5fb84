import { total } from '../src/price.js';

console.log(`ten nuts of one euro cost ${total([{ cents: 100, pieces: 10 }]) / 100} euros`);
