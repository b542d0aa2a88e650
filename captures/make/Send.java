import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.util.Properties;

/** Jakarta Mail: Send MECHANISM USER PASSWORD DOMAIN, to the server on port 587 of the loopback. */
class Send {
    public static void main(String[] told) throws Exception {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", "127.0.0.1");
        properties.put("mail.smtp.port", "587");
        properties.put("mail.smtp.localhost", "client.example");
        properties.put("mail.smtp.timeout", "20000");
        properties.put("mail.smtp.dsn.notify", "SUCCESS,FAILURE");
        properties.put("mail.smtp.dsn.ret", "HDRS");
        properties.put("mail.mime.encodefilename", "false");
        boolean authenticate = !told[0].equals("none");
        properties.put("mail.smtp.auth", String.valueOf(authenticate));
        properties.put("mail.smtp.auth.mechanisms", told[0]);
        properties.put("mail.smtp.auth.ntlm.domain", told[3]);
        Session session = Session.getInstance(properties);
        MimeMessage message = new MimeMessage(session);
        message.setFrom(new InternetAddress("a@client.example"));
        message.setRecipients(Message.RecipientType.TO, "b@server.example");
        message.setRecipients(Message.RecipientType.CC, "c@server.example");
        message.setSubject("Årsrapport från Java", "utf-8");
        message.setHeader("Disposition-Notification-To", "a@client.example");
        MimeBodyPart text = new MimeBodyPart();
        text.setText("Bifogat finns rapporten.\n.punkt\n", "utf-8");
        MimeBodyPart file = new MimeBodyPart();
        file.setContent("{\"year\": 2026}\n", "application/json");
        file.setFileName("årsrapport 2026.json");
        MimeMultipart all = new MimeMultipart(text, file);
        message.setContent(all);
        message.saveChanges();
        Transport transport = session.getTransport("smtp");
        if (authenticate) {
            transport.connect(told[1], told[2]);
        } else {
            transport.connect();
        }
        transport.sendMessage(message, message.getAllRecipients());
        transport.close();
    }
}
