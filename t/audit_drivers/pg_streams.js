// Streams of node's pg. Each has a name and the findings it should have, as those of streams.py.
'use strict'
const { Client } = require('pg')

const parents = 'SELECT id, name FROM author ORDER BY id LIMIT 25'

async function nPlusOne (client, query) {
  for (const { id } of (await client.query(parents)).rows) await client.query(query(id))
}

const streams = [
  ['n+1 with parameters', ['n_plus_one book'], client =>
    nPlusOne(client, id => ({ text: 'SELECT title FROM book WHERE author_id = $1', values: [id] }))],
  ['n+1, prepared by name', ['n_plus_one book'], client =>
    nPlusOne(client, id => ({ name: 'books', text: 'SELECT title FROM book WHERE author_id = $1', values: [id] }))],
  ['n+1 with literals, in a transaction', ['n_plus_one book'], async client => {
    await client.query('BEGIN')
    await nPlusOne(client, id => 'SELECT title FROM book WHERE author_id = ' + id)
    await client.query('COMMIT')
  }],
  ['n+1, all sent at once', ['n_plus_one book'], async client => {
    const { rows } = await client.query(parents)
    await Promise.all(rows.map(({ id }) => client.query('SELECT title FROM book WHERE author_id = $1', [id])))
  }],
  ['= ANY of all values', [], async client => {
    const ids = (await client.query(parents)).rows.map(row => row.id)
    await client.query('SELECT title FROM book WHERE author_id = ANY ($1)', [ids])
  }],
  ['the children of one parent', [], async client => {
    const { rows } = await client.query('SELECT id FROM author WHERE email = $1', ['a7@example.org'])
    await client.query('SELECT title FROM book WHERE author_id = $1', [rows[0].id])
  }],
  ['one row for each of many requests', [], async client => {
    for (let i = 0; i < 30; i++) await client.query('SELECT name FROM author WHERE id = $1', [i * 7919 % 1999])
  }],
  ['INSERT in a loop', ['row_by_row_write visit'], async client => {
    await client.query('BEGIN')
    for (let i = 0; i < 40; i++) await client.query('INSERT INTO visit (author_id, page) VALUES ($1, $2)', [i, '/'])
    await client.query('COMMIT')
  }],
  ['all columns of a wide table', ['wide_select article'], client => client.query('SELECT * FROM article')]
]

async function main () {
  const admin = new Client({ options: '-c purser.audit=off' })
  await admin.connect()
  for (const [stream, expected, run] of streams) {
    await admin.query('SELECT purser.audit_reset()')
    const client = new Client({ application_name: 'node' })
    await client.connect()
    for (let i = 0; i < 3; i++) await run(client)
    const { rows } = await admin.query('SELECT DISTINCT rule || \' \' || relation::text AS found FROM purser.findings ORDER BY 1')
    await client.end()
    console.log(JSON.stringify({ driver: 'pg', stream, expected, found: rows.map(row => row.found) }))
  }
  await admin.end()
}

main()
