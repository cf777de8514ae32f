// examples.js DOCUMENT: runs the examples of JavaScript of the document, as examples.py does those of Python.
const fs = require('fs');
const { Client } = require('pg');
const AsyncFunction = (async () => {}).constructor;

const rows = Array.from({ length: 50000 }, (_, i) => ({ name: `Zoë ${i}`, born: '1697-03-08', balance: 12.5 + i }));

(async () => {
  for (const [, code] of fs.readFileSync(process.argv[2], 'utf8').matchAll(/^```js\n([^]*?)^```/gm)) {
    const run = new AsyncFunction('Client', 'rows', `let inserted; ${code}; return inserted;`);
    const inserted = Number(await run(Client, rows));
    console.log(inserted === rows.length ? 'ok' : `not ok: ${inserted} of ${rows.length} rows`);
  }
})();
