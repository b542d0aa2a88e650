import jakarta.mail.Address;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Jakarta Mail (once JavaMail) as a client under test: JavaMailClient key=value...
 *
 * <p>Exit status: 0 sent, 1 not sent, 89 cannot be done with it.
 */
class JavaMailClient {
    public static void main(String[] words) throws Exception {
        if (words.length == 1 && words[0].equals("--version")) {
            System.out.println("Jakarta Mail " + Session.class.getPackage().getImplementationVersion()
                    + ", Java " + System.getProperty("java.version"));
            return;
        }
        Map<String, String> told = new HashMap<>();
        List<Address> recipients = new ArrayList<>();
        for (String word : words) {
            String[] pair = word.split("=", 2);
            if (pair[0].equals("recipient")) {
                recipients.add(new InternetAddress(pair[1], false));
            } else {
                told.put(pair[0], pair[1]);
            }
        }
        String tls = told.get("tls");
        boolean implicit = tls.equals("implicit");
        String protocol = implicit ? "smtps" : "smtp";
        Properties properties = properties(told, "mail." + protocol + ".", tls);
        Session session = Session.getInstance(properties);
        MimeMessage message;
        try (InputStream file = new FileInputStream(told.get("message"))) {
            message = new MimeMessage(session, file);
        }
        Transport transport = session.getTransport(protocol);
        int status = 0;
        try {
            if (told.get("mode").equals("none")) {
                transport.connect();
            } else {
                String password = Files.readString(Path.of(told.get("password-file")), StandardCharsets.UTF_8);
                transport.connect(told.get("user"), password);
            }
            transport.sendMessage(message, recipients.toArray(new Address[0]));
        } catch (Exception failed) {
            // The stack would hide the reason in the last line of the log.
            for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
                System.err.println(cause);
            }
            status = 1;
        } finally {
            leave(transport);
        }
        // Not before the library has said QUIT.
        System.exit(status);
    }

    /// Says QUIT, as far as the session still stands: what became of the message was decided before.
    private static void leave(Transport transport) {
        try {
            transport.close();
        } catch (MessagingException broken) {
            System.err.println(broken);
        }
    }

    private static Properties properties(Map<String, String> told, String prefix, String tls) throws Exception {
        Properties properties = new Properties();
        properties.put(prefix + "host", told.get("host"));
        properties.put(prefix + "port", told.get("port"));
        properties.put(prefix + "localhost", told.get("ehlo"));
        properties.put(prefix + "from", told.get("sender"));
        String timeout = told.get("timeout") + "000";
        properties.put(prefix + "timeout", timeout);
        properties.put(prefix + "connectiontimeout", timeout);
        properties.put(prefix + "writetimeout", timeout);
        properties.put(prefix + "starttls.enable", String.valueOf(tls.equals("opportunistic") || tls.equals("required")));
        properties.put(prefix + "starttls.required", String.valueOf(tls.equals("required")));
        properties.put(prefix + "auth", String.valueOf(!told.get("mode").equals("none")));
        // Without this, the mechanisms are tried in the library's own order.
        if (!told.get("mechanism").equals("any")) {
            properties.put(prefix + "auth.mechanisms", told.get("mechanism").toUpperCase());
        }
        if (told.get("mode").equals("ntlm")) {
            properties.put(prefix + "auth.ntlm.domain", told.get("domain"));
        }
        if ("yes".equals(told.get("receipt"))) {
            properties.put(prefix + "dsn.notify", "SUCCESS,FAILURE");
            properties.put(prefix + "dsn.ret", "HDRS");
        }
        properties.put(prefix + "ssl.checkserveridentity", "true");
        byte[] authority = Files.readAllBytes(Path.of(told.get("ca")));
        properties.put(prefix + "ssl.socketFactory", trusting(authority).getSocketFactory());
        return properties;
    }

    private static SSLContext trusting(byte[] authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        store.setCertificateEntry("test", factory.generateCertificate(new ByteArrayInputStream(authority)));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
