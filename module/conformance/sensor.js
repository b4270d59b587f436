// An IoT Edge module written with Microsoft's SDK: it sends COUNT numbered messages to the output "readings", a few at a
// time, and tells when all of them are acknowledged.
'use strict';

const { Message, tell, open, run } = require('./common');

const atOnce = 32;

run(async () => {
  const client = await open(() => {});
  tell('ready', {});
  let next = 1;
  const send = async () => {
    for (let n = next++; n <= Number(process.env.COUNT); n = next++) {
      const message = new Message(JSON.stringify({ n }));
      message.messageId = `reading ${n}`;
      message.contentType = 'application/json';
      message.contentEncoding = 'utf-8';
      message.properties.add('number', String(n));
      await client.sendOutputEvent('readings', message);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, send));
  tell('sent', {});
});
