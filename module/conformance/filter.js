// An IoT Edge module written with Microsoft's SDK as its documentation shows it: it passes each input on to the output
// "alerts", follows its twin and answers a direct method. It tells what it sees on standard output, a JSON object a line.
'use strict';

const { ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const tell = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

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

async function main() {
  const client = await ModuleClient.fromEnvironment(Mqtt);
  client.on('inputMessage', (input, message) => passOn(client, input, message));
  client.on('error', (err) => tell('error', { error: err.message }));
  await client.open();
  client.onMethod('ping', (request, response) => response.send(200, { pong: request.payload }));
  const twin = await client.getTwin();
  twin.on('properties.desired', (patch) => {
    twin.properties.reported.update({ limit: patch.limit, version: patch.$version }, (err) => {
      if (err) tell('failed', { error: err.message });
    });
  });
  tell('ready', {});
}

main().catch((err) => {
  tell('failed', { error: err.message });
  process.exitCode = 1;
});
