//! `openssl cms`.

use super::{Done, Form, Peer, as_mail, blob, key_file};
use crate::support::{folder, openssl, text, write};

pub(crate) struct OpenSsl;

fn run(arguments: &[String], input: &[u8]) -> Done {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let output = openssl(&arguments, input);
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(text(&output.stderr))
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The option that names a cipher.
fn cipher(form: &Form) -> &'static str {
    match form.cipher {
        "des3" => "-des3",
        "aes128" => "-aes-128-cbc",
        "aes192" => "-aes-192-cbc",
        "aes256" => "-aes-256-cbc",
        "aes128-gcm" => "-aes-128-gcm",
        "aes256-gcm" => "-aes-256-gcm",
        "rc2-40" => "-rc2-40",
        "rc2-64" => "-rc2-64",
        "rc2-128" => "-rc2-cbc",
        "des" => "-des-cbc",
        other => panic!("no cipher {other}"),
    }
}

fn make(form: &Form, entity: &[u8]) -> Done {
    let mut made = entity.to_vec();
    if !form.signature.is_empty() {
        let mut sign = words("cms -sign -binary -outform SMIME -md");
        sign.extend([form.digest.to_owned(), "-signer".to_owned()]);
        sign.extend([key_file(form.signer, "cert"), "-inkey".to_owned()]);
        sign.push(key_file(form.signer, "key"));
        if form.signature == "blob" {
            sign.push("-nodetach".to_owned());
        }
        made = as_mail(&run(&sign, &made)?);
    }
    if form.compressed {
        return Ok(as_mail(&run(
            &words("cms -compress -binary -outform SMIME"),
            &made,
        )?));
    }
    if form.is_encrypted() {
        let mut encrypt = words("cms -encrypt -binary -outform SMIME");
        encrypt.push(cipher(form).to_owned());
        if form.cipher.starts_with("rc2") || form.cipher == "des" {
            encrypt.extend(words("-provider legacy -provider default"));
        }
        if form.by_key {
            encrypt.push("-keyid".to_owned());
        }
        for (way, name) in form.to.split('+').zip(form.recipients()) {
            encrypt.extend(["-recip".to_owned(), key_file(name, "cert")]);
            match way {
                "oaep-sha1" => encrypt.extend(words("-keyopt rsa_padding_mode:oaep")),
                "oaep-sha256" => encrypt.extend(words(
                    "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256",
                )),
                // On P-256 what it does by itself, with SHA-1.
                "p384" => encrypt.extend(words("-keyopt ecdh_kdf_md:sha384")),
                _ => {}
            }
        }
        made = as_mail(&run(&encrypt, &made)?);
    }
    Ok(made)
}

fn verify(form: &Form, message: &[u8], format: &str) -> Done {
    let mut verify = words("cms -verify -inform");
    verify.extend([
        format.to_owned(),
        "-CAfile".to_owned(),
        key_file(form.signer, "cert"),
    ]);
    run(&verify, message)
}

fn open(form: &Form, message: &[u8]) -> Done {
    // It takes every transfer encoding for base64.
    let quoted = form.encoding == "quoted-printable" && form.is_encrypted();
    let (bytes, format) = if quoted {
        (blob(message), "DER")
    } else {
        (message.to_vec(), "SMIME")
    };
    let mut inner = bytes;
    let mut inner_format = format;
    if form.is_encrypted() {
        let sealed = inner.clone();
        for name in form.recipients() {
            let mut decrypt = words("cms -decrypt -binary -inform");
            decrypt.extend([
                format.to_owned(),
                "-recip".to_owned(),
                key_file(name, "cert"),
            ]);
            decrypt.extend(["-inkey".to_owned(), key_file(name, "key")]);
            inner = run(&decrypt, &sealed)?;
        }
        inner_format = "SMIME";
    }
    if !form.signature.is_empty() {
        inner = verify(form, &inner, inner_format)?;
    }
    Ok(inner)
}

impl Peer for OpenSsl {
    fn name(&self) -> &'static str {
        "openssl"
    }

    fn make(&self, forms: &[Form], entity: &[u8]) -> Vec<Done> {
        forms.iter().map(|form| make(form, entity)).collect()
    }

    fn open(&self, messages: &[(Form, Vec<u8>)]) -> Vec<Done> {
        let each = messages.iter();
        each.map(|(form, message)| open(form, message)).collect()
    }

    fn limit(&self, form: &Form, _making: bool) -> Option<&'static str> {
        form.compressed.then_some("is built without zlib by Debian")
    }
}

/// The same blob with something done to it: what openssl makes of that.
pub(crate) fn decrypts(der: &[u8], recipient: &str) -> Done {
    let folder = folder();
    let file = write(folder.path(), "blob.der", der).display().to_string();
    let mut decrypt = words("cms -decrypt -binary -inform DER -in");
    decrypt.extend([file, "-inkey".to_owned(), key_file(recipient, "key")]);
    run(&decrypt, b"")
}
