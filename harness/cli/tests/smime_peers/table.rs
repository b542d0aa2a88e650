//! The words of the table.

use super::Form;

/// Why a cell says no, each reason once.
#[derive(Default)]
pub(crate) struct Remarks(Vec<String>);

impl Remarks {
    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// One cell of the table: yes, or the number of the remark that says why not.
    pub(crate) fn cell(&mut self, remark: Option<String>) -> String {
        let Some(remark) = remark else {
            return "yes".to_owned();
        };
        let known = self.0.iter().position(|one| *one == remark);
        let number = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(remark);
        }
        format!("no ({})", number + 1)
    }
}

/// The first three cells.
pub(crate) fn row_name(form: &Form) -> String {
    let cipher = match form.cipher {
        "des3" => "3DES-CBC",
        "aes128" => "AES-128-CBC",
        "aes192" => "AES-192-CBC",
        "aes256" => "AES-256-CBC",
        "aes128-gcm" => "AES-128-GCM",
        "aes256-gcm" => "AES-256-GCM",
        "des" => "DES-CBC",
        "rc2-40" => "RC2-CBC, 40 bits",
        "rc2-64" => "RC2-CBC, 64 bits",
        "rc2-128" => "RC2-CBC, 128 bits",
        _ if form.compressed => "compressed",
        _ => "–",
    };
    let way = |way| match way {
        "pkcs1" => "RSA PKCS#1 v1.5",
        "oaep-sha1" => "RSA-OAEP, SHA-1",
        "oaep-sha256" => "RSA-OAEP, SHA-256",
        "p256" => "ECDH P-256",
        "p384" => "ECDH P-384",
        _ => "–",
    };
    let ways: Vec<_> = form.to.split('+').map(way).collect();
    let mut ways = ways.join(" and ");
    if form.by_key {
        ways += ", by key identifier";
    }
    let mut signature = match form.signature {
        "" => "–".to_owned(),
        how => {
            let key = if form.is_ecdsa() {
                "ECDSA P-256"
            } else {
                "RSA"
            };
            format!(
                "{how}, {}, {key}",
                form.digest.to_uppercase().replace("SHA", "SHA-")
            )
        }
    };
    if !form.encoding.is_empty() {
        signature = format!("{signature}; {}", form.encoding);
    }
    format!("| {cipher} | {ways} | {signature} |")
}
