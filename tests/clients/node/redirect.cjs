// Preloaded: whatever is sent to X over TLS goes to a server on this machine, without TLS.
'use strict';
const https = require('node:https');
const net = require('node:net');

https.globalAgent.createConnection = (_options, connected) =>
  net.connect(Number(process.env.X_PORT), '127.0.0.1', connected);
