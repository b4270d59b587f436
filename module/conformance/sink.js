// An IoT Edge module written with Microsoft's SDK: it tells the number of each message that reaches it.
'use strict';

const { tell, open, run } = require('./common');

function received(client, message) {
  tell('received', { n: JSON.parse(message.getData().toString()).n, correlationId: message.correlationId });
  client.complete(message, () => {});
}

run(async () => {
  await open((client) => client.on('inputMessage', (_, message) => received(client, message)));
  tell('ready', {});
});
