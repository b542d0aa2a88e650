// Bouncy Castle, told by a list of jobs what to make and what to open. `interop_smime.rs` writes the list.
//
// Arguments: the folder with the keys, and the list, a job a line, fields separated by tabs:
//   open OUT IN RECIPIENT          decrypts a message, with the key of a recipient
//   verify OUT IN SIGNER           verifies a message against the certificate of a signer, and gives what was signed
//   encrypt OUT IN CIPHER WAYS NAMING  IN is a MIME entity; the ways to the recipients are joined with +, and they are
//                                  named by `key` or by `issuer`
//   sign OUT IN FORM DIGEST SIGNER
//   compress OUT IN
// What comes of a job is in OUT, or, where it fails, the reason in OUT.err.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.mail.Session;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.cms.AuthEnvelopedData;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.GCMParameters;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAESOAEPparams;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.KeyAgreeRecipientId;
import org.bouncycastle.cms.KeyAgreeRecipientInformation;
import org.bouncycastle.cms.RecipientId;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.RecipientOperator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.SMIMECompressedGenerator;
import org.bouncycastle.mail.smime.SMIMEEnveloped;
import org.bouncycastle.mail.smime.SMIMEEnvelopedGenerator;
import org.bouncycastle.mail.smime.SMIMESigned;
import org.bouncycastle.mail.smime.SMIMESignedGenerator;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;

public final class Smime {
    private static Path keys;

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        keys = Path.of(arguments[0]);
        for (String line : Files.readAllLines(Path.of(arguments[1]))) {
            String[] job = line.split("\t");
            try {
                Files.write(Path.of(job[1]), done(job));
            } catch (Exception | LinkageError problem) {
                Files.writeString(Path.of(job[1] + ".err"), problem.toString());
            }
        }
    }

    private static byte[] done(String[] job) throws Exception {
        byte[] input = Files.readAllBytes(Path.of(job[2]));
        switch (job[0]) {
            case "open":
                return opened(message(input), job[3]);
            case "verify":
                return verified(message(input), certificate(job[3]));
            case "encrypt":
                return encrypted(new MimeBodyPart(new ByteArrayInputStream(input)), input, job[3], recipients(job[4], job[5].equals("key")));
            case "sign":
                return signed(new MimeBodyPart(new ByteArrayInputStream(input)), job[3], job[4], job[5]);
            default:
                return bytes(new SMIMECompressedGenerator().generate(
                    new MimeBodyPart(new ByteArrayInputStream(input)),
                    new org.bouncycastle.cms.jcajce.ZlibCompressor()));
        }
    }

    private static MimeMessage message(byte[] bytes) throws Exception {
        return new MimeMessage((Session) null, new ByteArrayInputStream(bytes));
    }

    private static byte[] bytes(MimeBodyPart part) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        part.writeTo(out);
        return out.toByteArray();
    }

    private static X509Certificate certificate(String name) throws Exception {
        try (InputStream in = Files.newInputStream(keys.resolve(name + ".cert.pem"))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    private static PrivateKey key(String name) throws Exception {
        Reader text = new StringReader(Files.readString(keys.resolve(name + ".key.pem")));
        Object read = new PEMParser(text).readObject();
        return new JcaPEMKeyConverter().getPrivateKey((org.bouncycastle.asn1.pkcs.PrivateKeyInfo) read);
    }

    // Opening.

    private static byte[] opened(MimeMessage message, String name) throws Exception {
        X509Certificate certificate = certificate(name);
        PrivateKey key = key(name);
        boolean rsa = key.getAlgorithm().equals("RSA");
        List<RecipientId> id = rsa
            ? List.of(new JceKeyTransRecipientId(certificate))
            : List.of(new JceKeyAgreeRecipientId(certificate), new KeyAgreeRecipientId(keyIdentifier(certificate)));
        byte[] blob = message.getInputStream().readAllBytes();
        ContentInfo info = ContentInfo.getInstance(blob);
        if (info.getContentType().equals(org.bouncycastle.asn1.cms.CMSObjectIdentifiers.authEnvelopedData)) {
            RecipientInformation to = find(new CMSAuthEnvelopedData(blob).getRecipientInfos(), id);
            return rsa
                ? to.getContent(new JceKeyTransAuthEnvelopedRecipient(key).setProvider("BC"))
                : agreedAndAuthenticated(info, (KeyAgreeRecipientInformation) to, key);
        }
        RecipientInformation to = find(new SMIMEEnveloped(message).getRecipientInfos(), id);
        return to.getContent(rsa
            ? new JceKeyTransEnvelopedRecipient(key).setProvider("BC")
            : new JceKeyAgreeEnvelopedRecipient(key).setProvider("BC"));
    }

    private static RecipientInformation find(RecipientInformationStore store, List<RecipientId> ids) throws Exception {
        for (RecipientId id : ids) {
            RecipientInformation found = store.get(id);
            if (found != null) {
                return found;
            }
        }
        throw new CMSException("the recipient is not named");
    }

    // Version 1.72 has no recipient for key agreement with AuthEnvelopedData. It has both halves.
    private static byte[] agreedAndAuthenticated(ContentInfo info, KeyAgreeRecipientInformation to, PrivateKey key)
            throws Exception {
        Unwrapping unwrapping = new Unwrapping(key);
        try {
            to.getContent(unwrapping);
        } catch (RuntimeException | CMSException stopped) {
            if (unwrapping.contentKey == null) {
                throw stopped;
            }
        }
        AuthEnvelopedData data = AuthEnvelopedData.getInstance(info.getContent());
        AlgorithmIdentifier algorithm = data.getAuthEncryptedContentInfo().getContentEncryptionAlgorithm();
        GCMParameters parameters = GCMParameters.getInstance(algorithm.getParameters());
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding", "BC");
        cipher.init(Cipher.DECRYPT_MODE, unwrapping.contentKey,
            new GCMParameterSpec(parameters.getIcvLen() * 8, parameters.getNonce()));
        cipher.update(new byte[0]);
        ByteArrayOutputStream sealed = new ByteArrayOutputStream();
        sealed.write(data.getAuthEncryptedContentInfo().getEncryptedContent().getOctets());
        sealed.write(data.getMac().getOctets());
        return cipher.doFinal(sealed.toByteArray());
    }

    private static final class Unwrapping extends JceKeyAgreeRecipient {
        private Key contentKey;

        Unwrapping(PrivateKey key) {
            super(key);
            setProvider("BC");
        }

        @Override
        public RecipientOperator getRecipientOperator(AlgorithmIdentifier encryption, AlgorithmIdentifier content,
                SubjectPublicKeyInfo sender, ASN1OctetString added, byte[] encrypted) throws CMSException {
            contentKey = extractSecretKey(encryption, content, sender, added, encrypted);
            throw new CMSException("the content key is all that was wanted");
        }
    }

    // Verifying.

    private static byte[] verified(MimeMessage message, X509Certificate certificate) throws Exception {
        boolean clear = message.isMimeType("multipart/signed");
        SMIMESigned signed = clear
            ? new SMIMESigned((MimeMultipart) message.getContent())
            : new SMIMESigned(message);
        SignerInformationStore signers = signed.getSignerInfos();
        if (signers.size() == 0) {
            throw new CMSException("nobody signed");
        }
        for (SignerInformation signer : signers.getSigners()) {
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
                throw new CMSException("the signature is wrong");
            }
        }
        return bytes(signed.getContent());
    }

    // Making.

    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "des3", CMSAlgorithm.DES_EDE3_CBC,
        "aes128", CMSAlgorithm.AES128_CBC,
        "aes192", CMSAlgorithm.AES192_CBC,
        "aes256", CMSAlgorithm.AES256_CBC,
        "aes128-gcm", CMSAlgorithm.AES128_GCM,
        "aes256-gcm", CMSAlgorithm.AES256_GCM,
        "des", CMSAlgorithm.DES_CBC);

    private static OutputEncryptor encryptor(String cipher) throws Exception {
        JceCMSContentEncryptorBuilder builder = cipher.startsWith("rc2-")
            ? new JceCMSContentEncryptorBuilder(CMSAlgorithm.RC2_CBC, Integer.parseInt(cipher.substring(4)))
            : new JceCMSContentEncryptorBuilder(CIPHERS.get(cipher));
        return builder.setProvider("BC").build();
    }

    private static List<RecipientInfoGenerator> recipients(String ways, boolean byKey) throws Exception {
        List<RecipientInfoGenerator> all = new ArrayList<>();
        for (String way : ways.split("\\+")) {
            all.add(recipient(way, byKey));
        }
        return all;
    }

    private static byte[] keyIdentifier(X509Certificate certificate) {
        byte[] extension = certificate.getExtensionValue(Extension.subjectKeyIdentifier.getId());
        return ASN1OctetString.getInstance(ASN1OctetString.getInstance(extension).getOctets()).getOctets();
    }

    private static RecipientInfoGenerator recipient(String way, boolean byKey) throws Exception {
        if (way.equals("oaep-sha1")) {
            return oaep(new AlgorithmIdentifier(OIWObjectIdentifiers.idSHA1, DERNull.INSTANCE));
        }
        if (way.equals("oaep-sha256")) {
            return oaep(new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256, DERNull.INSTANCE));
        }
        if (way.equals("pkcs1")) {
            X509Certificate certificate = certificate("recipient");
            JceKeyTransRecipientInfoGenerator generator = byKey
                ? new JceKeyTransRecipientInfoGenerator(keyIdentifier(certificate), certificate.getPublicKey())
                : new JceKeyTransRecipientInfoGenerator(certificate);
            return generator.setProvider("BC");
        }
        X509Certificate certificate = certificate("recipient-" + way);
        KeyPairGenerator fresh = KeyPairGenerator.getInstance("EC", "BC");
        fresh.initialize(new ECGenParameterSpec(way.equals("p384") ? "secp384r1" : "secp256r1"));
        KeyPair pair = fresh.generateKeyPair();
        JceKeyAgreeRecipientInfoGenerator generator = new JceKeyAgreeRecipientInfoGenerator(
            CMSAlgorithm.ECDH_SHA256KDF, pair.getPrivate(), pair.getPublic(), CMSAlgorithm.AES256_WRAP);
        if (byKey) {
            generator.addRecipient(keyIdentifier(certificate), certificate.getPublicKey());
        } else {
            generator.addRecipient(certificate);
        }
        return generator.setProvider("BC");
    }

    private static RecipientInfoGenerator oaep(AlgorithmIdentifier digest) throws Exception {
        RSAESOAEPparams parameters = new RSAESOAEPparams(digest,
            new AlgorithmIdentifier(PKCSObjectIdentifiers.id_mgf1, digest),
            RSAESOAEPparams.DEFAULT_P_SOURCE_ALGORITHM);
        AlgorithmIdentifier algorithm = new AlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, parameters);
        return new JceKeyTransRecipientInfoGenerator(certificate("recipient"), algorithm).setProvider("BC");
    }

    private static byte[] encrypted(MimeBodyPart part, byte[] entity, String cipher, List<RecipientInfoGenerator> all)
            throws Exception {
        if (!cipher.endsWith("-gcm")) {
            SMIMEEnvelopedGenerator generator = new SMIMEEnvelopedGenerator();
            all.forEach(generator::addRecipientInfoGenerator);
            return bytes(generator.generate(part, encryptor(cipher)));
        }
        // Version 1.72 has no generator of mail for this.
        CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
        all.forEach(generator::addRecipientInfoGenerator);
        byte[] blob = generator.generate(new CMSProcessableByteArray(entity), (OutputAEADEncryptor) encryptor(cipher))
            .getEncoded();
        String header = "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=\"smime.p7m\"\r\n"
            + "Content-Transfer-Encoding: base64\r\n\r\n";
        return (header + Base64.getMimeEncoder().encodeToString(blob) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] signed(MimeBodyPart part, String form, String digest, String name) throws Exception {
        SMIMESignedGenerator generator = new SMIMESignedGenerator();
        X509Certificate certificate = certificate(name);
        PrivateKey key = key(name);
        String algorithm = digest.toUpperCase() + "with" + (key.getAlgorithm().equals("RSA") ? "RSA" : "ECDSA");
        generator.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder().setProvider("BC")
            .build(algorithm, key, certificate));
        generator.addCertificates(new JcaCertStore(List.of(certificate)));
        if (!form.equals("clear")) {
            return bytes(generator.generateEncapsulated(part));
        }
        MimeMultipart both = generator.generate(part);
        MimeBodyPart whole = new MimeBodyPart();
        whole.setContent(both, both.getContentType());
        whole.setHeader("Content-Type", both.getContentType());
        return bytes(whole);
    }
}
