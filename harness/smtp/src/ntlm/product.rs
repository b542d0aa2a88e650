//! Names for the versions that senders state (MS-NLMP section 2.2.2.10).

use std::fmt;

use super::Version;

/// Major, minor and build numbers, and the product that has them. A client and a server edition often share a build.
const PRODUCTS: &[(u8, u8, u16, &str)] = &[
    (4, 0, 1381, "Windows NT 4.0"),
    (5, 0, 2195, "Windows 2000"),
    (5, 1, 2600, "Windows XP"),
    (5, 2, 3790, "Windows Server 2003"),
    (6, 0, 6000, "Windows Vista"),
    (6, 0, 6001, "Windows Vista SP1 or Server 2008"),
    (6, 0, 6002, "Windows Vista SP2 or Server 2008 SP2"),
    (6, 0, 6003, "Windows Server 2008 SP2"),
    (6, 1, 7600, "Windows 7 or Server 2008 R2"),
    (6, 1, 7601, "Windows 7 SP1 or Server 2008 R2 SP1"),
    (6, 2, 9200, "Windows 8 or Server 2012"),
    (6, 3, 9600, "Windows 8.1 or Server 2012 R2"),
    (10, 0, 10240, "Windows 10 1507"),
    (10, 0, 10586, "Windows 10 1511"),
    (10, 0, 14393, "Windows 10 1607 or Server 2016"),
    (10, 0, 15063, "Windows 10 1703"),
    (10, 0, 16299, "Windows 10 1709"),
    (10, 0, 17134, "Windows 10 1803"),
    (10, 0, 17763, "Windows 10 1809 or Server 2019"),
    (10, 0, 18362, "Windows 10 1903"),
    (10, 0, 18363, "Windows 10 1909"),
    (10, 0, 19041, "Windows 10 2004"),
    (10, 0, 19042, "Windows 10 20H2"),
    (10, 0, 19043, "Windows 10 21H1"),
    (10, 0, 19044, "Windows 10 21H2"),
    (10, 0, 19045, "Windows 10 22H2"),
    (10, 0, 20348, "Windows Server 2022"),
    (10, 0, 22000, "Windows 11 21H2"),
    (10, 0, 22621, "Windows 11 22H2"),
    (10, 0, 22631, "Windows 11 23H2"),
    (10, 0, 26100, "Windows 11 24H2 or Server 2025"),
];

impl Version {
    /// The product with this build, where it is a well-known one. What a sender says of itself is a claim: some programs
    /// that are no Windows at all say the build of one.
    pub fn product(self) -> Option<&'static str> {
        PRODUCTS
            .iter()
            .find(|(major, minor, build, _)| {
                (*major, *minor, *build) == (self.major, self.minor, self.build)
            })
            .map(|(.., name)| *name)
    }
}

impl fmt::Display for Version {
    /// `5.2.3790`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case([5, 2, 0xce, 0x0e], "5.2.3790", Some("Windows Server 2003"))]
    #[case([10, 0, 0x7c, 0x4f], "10.0.20348", Some("Windows Server 2022"))]
    #[case([6, 1, 0, 0], "6.1.0", None)]
    #[case([0, 12, 4, 0], "0.12.4", None)]
    fn well_known_builds(
        #[case] bytes: [u8; 4],
        #[case] text: &str,
        #[case] product: Option<&str>,
    ) {
        let version = Version {
            major: bytes[0],
            minor: bytes[1],
            build: u16::from_le_bytes([bytes[2], bytes[3]]),
            revision: 15,
        };
        assert_eq!(version.to_string(), text);
        assert_eq!(version.product(), product);
    }

    #[test]
    fn no_build_is_listed_twice() {
        for (number, (major, minor, build, _)) in PRODUCTS.iter().enumerate() {
            let same = |other: &&(u8, u8, u16, &str)| {
                (&other.0, &other.1, &other.2) == (major, minor, build)
            };
            assert_eq!(PRODUCTS.iter().position(|other| same(&other)), Some(number));
        }
    }
}
