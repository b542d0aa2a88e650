// nodemailer as a client under test: node nodemailer.cjs key=value...
// Exit status: 0 sent, 1 not sent, 89 cannot be done with nodemailer.
'use strict';
const fs = require('node:fs');
const nodemailer = require('nodemailer');

if (process.argv[2] === '--version') {
    console.log(`nodemailer ${require('nodemailer/package.json').version}, node ${process.version}`);
    process.exit(0);
}
const told = {};
const recipients = [];
for (const word of process.argv.slice(2)) {
    const at = word.indexOf('=');
    const [key, value] = [word.slice(0, at), word.slice(at + 1)];
    if (key === 'recipient') recipients.push(value);
    else told[key] = value;
}
const seconds = Number(told.timeout) * 1000;
const options = {
    host: told.host,
    port: Number(told.port),
    name: told.ehlo,
    secure: told.tls === 'implicit',
    ignoreTLS: told.tls === 'never',
    requireTLS: told.tls === 'required',
    tls: { ca: fs.readFileSync(told.ca, 'utf8') },
    connectionTimeout: seconds,
    greetingTimeout: seconds,
    socketTimeout: seconds,
};
if (told.mode !== 'none') {
    const pass = fs.readFileSync(told['password-file'], 'utf8');
    options.auth = { type: 'login', user: told.user, pass };
    if (told.mechanism !== 'any') options.authMethod = told.mechanism.toUpperCase();
    if (told.mode === 'ntlm') {
        options.auth = {
            type: 'custom', method: 'NTLM', user: told.user, pass,
            options: { domain: told.domain, workstation: 'CLIENT' },
        };
        options.customAuth = { NTLM: require('nodemailer-ntlm-auth') };
    }
}
const mail = {
    envelope: { from: told.sender, to: recipients },
    raw: fs.readFileSync(told.message),
};
if (told.receipt === 'yes') mail.dsn = { notify: ['success', 'failure'], return: 'headers' };
const transport = nodemailer.createTransport(options);
transport.sendMail(mail).then(
    (info) => {
        transport.close();
        if (info.rejected.length) {
            console.error(`refused: ${info.rejected}`);
            process.exitCode = 1;
        } else {
            console.log(info.response);
        }
    },
    (error) => {
        console.error(String(error));
        process.exit(1);
    },
);
