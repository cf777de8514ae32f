// steps.js STEPS: the steps of a file, as steps.py has it, through node's pg.
const fs = require('fs');
const { Client } = require('pg');

function parametersOf(step) {
  if (step.rows) return [JSON.stringify(step.rows)];
  if (step.text) return [step.text];
  if (step.bytes) return [Buffer.from(step.bytes)];
  return step.arrays || [];
}

async function perform(client, step) {
  let n = 0;
  let got, wanted;
  try {
    const result = await client.query({ text: step.sql.replace(/\?/g, () => '$' + ++n), values: parametersOf(step), rowMode: 'array' });
    got = String(result.rows[0][0]);
    wanted = step.expect !== undefined ? step.expect : 'error ' + step.error;
  } catch (error) {
    got = 'error ' + (error.code || error);
    wanted = 'error ' + (step.error || 'none');
  }
  console.log(got === wanted ? `ok ${step.name}` : `not ok ${step.name}: ${JSON.stringify(got)} in place of ${JSON.stringify(wanted)}`);
}

(async () => {
  const client = new Client({ host: process.env.PGHOST, port: process.env.PGPORT, database: process.env.PGDATABASE, user: process.env.PGUSER });
  await client.connect();
  for (const step of JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))) await perform(client, step);
  await client.end();
})();
