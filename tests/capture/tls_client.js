// Posts once over TLS to a server of its own: tls_client.js CERT KEY
const fs = require("fs"), https = require("https");
const [cert, key] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const server = https.createServer({ cert, key }, (request, response) => {
  request.resume();
  request.on("end", () => response.end("ok"));
});
server.listen(0, "127.0.0.1", () => {
  const headers = { Host: "sink.example", Authorization: "Bearer s3crs3cr" + "s3crs3cr", "Content-Length": 17 };
  const { port } = server.address();
  const options = { host: "127.0.0.1", port, method: "POST", path: "/v1/upload", headers };
  const request = https.request({ ...options, rejectUnauthorized: false }, (response) => {
    response.resume();
    response.on("end", () => server.close());
  });
  request.end("password=hunter22");
});
