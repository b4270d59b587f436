// The filter as the samples of Microsoft's SDK write it: what is over 25 °C goes on, and the input is completed at once.
// (With MQTT complete does nothing: the SDK acknowledges an input before the application sees it.)
'use strict';

const { ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

function fail(err) {
  console.error(err);
  process.exit(1);
}

const check = (err) => err && fail(err);

function filter(client, message) {
  client.complete(message, check);
  const body = message.getBytes().toString('utf8');
  if (JSON.parse(body).machine.temperature <= 25) return;
  const output = new Message(body);
  output.contentType = message.contentType;
  output.contentEncoding = message.contentEncoding;
  for (let i = 0; i < message.properties.count(); i++) {
    const { key, value } = message.properties.getItem(i);
    output.properties.add(key, value);
  }
  client.sendOutputEvent('hot', output, check);
}

ModuleClient.fromEnvironment(Mqtt).then(async (client) => {
  client.on('error', fail);
  client.on('inputMessage', (_, message) => filter(client, message));
  await client.open();
}).catch(fail);
