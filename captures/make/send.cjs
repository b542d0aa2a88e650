// nodemailer: node send.cjs MECHANISM USER PASSWORD DOMAIN TLS, to the server on port 587 of the loopback.
const nodemailer = require('nodemailer');
const ntlm = require('nodemailer-ntlm-auth');
const [mechanism, user, pass, domain, tls] = process.argv.slice(2);
const auth =
    mechanism === 'NTLM'
        ? { type: 'custom', method: 'NTLM', user, pass, options: { domain, workstation: 'DESK-7' } }
        : mechanism === 'none' ? undefined : { type: 'login', user, pass };
const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: 587,
    name: 'client.example',
    ignoreTLS: tls !== 'tls',
    requireTLS: tls === 'tls',
    tls: { rejectUnauthorized: false },
    authMethod: mechanism === 'NTLM' || mechanism === 'none' ? undefined : mechanism,
    auth,
    customAuth: { NTLM: ntlm },
    socketTimeout: 20000,
});
const mail = {
    from: 'a@client.example',
    to: 'b@server.example',
    bcc: 'd@hidden.example',
    subject: 'Žádost č. 4711',
    date: new Date(Date.UTC(2026, 10, 2, 11, 0)),
    text: 'Příloha: ceník.\n.tečka\n',
    html: '<p>Příloha: ceník.</p>\n',
    attachments: [{ filename: 'ceník na příští rok, úplné znění se všemi dodatky a přílohami.csv', content: 'a;b\n' }],
};
transport.sendMail(mail).then(
    () => transport.close(),
    (error) => {
        console.error(error);
        process.exit(1);
    },
);
