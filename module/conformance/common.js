// What the modules beside this file share: a client of Microsoft's SDK as its documentation makes one, and a way to tell
// the test what happens, a JSON object a line.
'use strict';

const fs = require('fs');
const https = require('https');
const { ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const tell = (event, fields) => console.log(JSON.stringify({ event, ...fields }));

// Two things are asked of the SDK that nothing on a device asks: tokens that are renewed within seconds (TOKEN_SECONDS),
// and HTTPS on another port than 443, which the SDK cannot be told otherwise (METHODS_URL).
function options() {
  const options = { ca: fs.readFileSync(process.env.CA_FILE, 'utf8') };
  if (process.env.TOKEN_SECONDS) {
    const seconds = Number(process.env.TOKEN_SECONDS);
    options.tokenRenewal = { tokenValidTimeInSeconds: seconds, tokenRenewalMarginInSeconds: seconds - 2 };
  }
  if (process.env.METHODS_URL) {
    const { hostname: host, port } = new URL(process.env.METHODS_URL);
    options.http = { agent: new https.Agent({ host, port, ca: options.ca }) };
  }
  return options;
}

async function open(prepare) {
  const client = await ModuleClient.fromEnvironment(Mqtt);
  client.on('error', (err) => tell('failed', { error: err.message }));
  if (process.env.CA_FILE) await client.setOptions(options());
  prepare(client);
  await client.open();
  return client;
}

function run(main) {
  main().catch((err) => {
    tell('failed', { error: `${err.name}: ${err.message}` });
    process.exitCode = 1;
  });
}

module.exports = { Message, tell, open, run };
