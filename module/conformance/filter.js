// An IoT Edge module written with Microsoft's SDK: it passes each input on to the output "alerts", follows its twin,
// answers direct methods and, when asked to, invokes those of other modules.
'use strict';

const { Message, tell, open, run } = require('./common');

function passOn(client, input, message) {
  const output = new Message(message.getData());
  output.messageId = message.messageId;
  output.contentType = message.contentType;
  output.contentEncoding = message.contentEncoding;
  for (let i = 0; i < message.properties.count(); i++) {
    const { key, value } = message.properties.getItem(i);
    output.properties.add(key, value);
  }
  output.properties.add('input', input);
  client.sendOutputEvent('alerts', output, (err) => {
    if (err) tell('failed', { error: err.message });
  });
  client.complete(message, () => {});
}

// relay invokes a method of another module and answers what came of it.
async function relay(client, { device, module, ...params }, response) {
  try {
    response.send(200, { result: await client.invokeMethod(device, module, params) });
  } catch (err) {
    response.send(200, { error: err.message, body: err.responseBody });
  }
}

run(async () => {
  const client = await open((client) => client.on('inputMessage', (input, message) => passOn(client, input, message)));
  client.onMethod('ping', (request, response) => response.send(200, { pong: request.payload }));
  client.onMethod('relay', (request, response) => relay(client, request.payload, response));
  const twin = await client.getTwin();
  twin.on('properties.desired', (patch) => {
    twin.properties.reported.update({ limit: patch.limit, version: patch.$version }, (err) => {
      if (err) tell('failed', { error: err.message });
    });
  });
  tell('ready', {});
});
