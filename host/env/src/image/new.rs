//! Images that are to be made: what the parameters say of them, and the program that makes them.

use std::path::{Path, PathBuf};

use vthost_params::registry::Unit;
use vthost_params::{ParamError, Params};
use vthost_qemu::image::{
    Compat, Compression, CreateOptions, Encryption, NewImage, Preallocation, QemuImg, Secret,
};
use vthost_qemu::spec::DriveFormat;

use crate::{Error, ErrorKind, Result};

/// The size of a new image whose parameters give none, in bytes.
pub(crate) const DEFAULT_SIZE: u64 = 10 << 30;

/// The program that is taken from the search path.
const TOOL: &str = "qemu-img";

/// The options that `image_extra_params` can set. None of them names a file.
const EXTRA: [&str; 7] = [
    "cluster_size",
    "compat",
    "compression_type",
    "extended_l2",
    "lazy_refcounts",
    "preallocation",
    "refcount_bits",
];

/// The `qemu-img` of `qemu_img_binary`: a path, or the one of the search path.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a path that is not absolute, [`ErrorKind::NotFound`] if there is none.
pub(crate) fn tool(params: &Params) -> Result<QemuImg> {
    let path = params.get_or("qemu_img_binary", TOOL).trim();
    if path.is_empty() || path == TOOL {
        return QemuImg::find().map_err(|error| {
            let text = "images cannot be worked on";
            Error::caused(ErrorKind::NotFound, text, error)
        });
    }
    if !Path::new(path).is_absolute() {
        let expected = "`qemu-img`, or the absolute path of one";
        return Err(params.invalid("qemu_img_binary", expected).into());
    }
    Ok(QemuImg::at(path.into()))
}

/// The image that `create_image` makes, of `image_size`.
pub(crate) fn create_args(params: &Params, path: PathBuf, format: DriveFormat) -> Result<NewImage> {
    let size = params.size("image_size", DEFAULT_SIZE, Unit::B)?;
    Ok(NewImage {
        options: create_options(params, format)?,
        ..NewImage::new(path, format, size)
    })
}

/// `image_cluster_size`, `preallocated`, `lazy_refcounts`, `image_secret`; what `image_extra_params` says wins.
pub(crate) fn create_options(params: &Params, format: DriveFormat) -> Result<CreateOptions> {
    let mut options = CreateOptions::default();
    let keys = [
        ("image_cluster_size", "cluster_size"),
        ("preallocated", "preallocation"),
        ("lazy_refcounts", "lazy_refcounts"),
    ];
    for (key, option) in keys {
        let value = params.get_or(key, "").trim();
        if !value.is_empty() {
            set(&mut options, params, key, option, value)?;
        }
    }
    let key = "image_extra_params";
    let extra = params.get_or(key, "").split(',').map(str::trim);
    for part in extra.filter(|part| !part.is_empty()) {
        let (option, value) = part
            .split_once('=')
            .ok_or_else(|| params.invalid(key, "options as `name=value,name=value`"))?;
        set(&mut options, params, key, option.trim(), value.trim())?;
    }
    let can_be_encrypted = matches!(format, DriveFormat::Luks | DriveFormat::Qcow2);
    let secret = params.get("image_secret").filter(|text| !text.is_empty());
    options.encryption = secret
        .filter(|_| can_be_encrypted)
        .map(|secret| Encryption::new(Secret::new(secret)));
    Ok(options)
}

/// Sets one option of the format.
fn set(
    options: &mut CreateOptions,
    params: &Params,
    key: &str,
    option: &str,
    value: &str,
) -> Result<(), ParamError> {
    let one = |expected: &str| params.invalid(key, &format!("{option} is {expected}"));
    // The typed getters read what stands under a key.
    let alone = Params::from_pairs([(option, value)]);
    match option {
        "cluster_size" => {
            let size = alone.size(option, 0, Unit::B);
            options.cluster_size = Some(size.map_err(|_| one("a size, as `64K`"))?);
        }
        "preallocation" => {
            let kind = Preallocation::from_name(value);
            let kind = kind.ok_or_else(|| one("`off`, `metadata`, `falloc` or `full`"))?;
            options.preallocation = Some(kind);
        }
        "compat" => {
            let version = match value {
                "v2" => Some(Compat::V2),
                "v3" => Some(Compat::V3),
                _ => Compat::from_name(value),
            };
            options.compat = Some(version.ok_or_else(|| one("`0.10` or `1.1`"))?);
        }
        "compression_type" => {
            let kind = Compression::from_name(value);
            options.compression = Some(kind.ok_or_else(|| one("`zlib` or `zstd`"))?);
        }
        "refcount_bits" => {
            let bits = value.parse();
            options.refcount_bits = Some(bits.map_err(|_| one("a power of two, 64 at most"))?);
        }
        "extended_l2" | "lazy_refcounts" => {
            let on = alone
                .flag(option, false)
                .map_err(|_| one("`on` or `off`"))?;
            let place = match option {
                "extended_l2" => &mut options.extended_l2,
                _ => &mut options.lazy_refcounts,
            };
            *place = Some(on);
        }
        _ => {
            let known = format!("options among {}", EXTRA.join(", "));
            return Err(params.invalid(key, &known));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Result<CreateOptions, String> {
        let params = Params::from_pairs(pairs.iter().copied());
        create_options(&params, DriveFormat::Qcow2).map_err(|error| error.chain())
    }

    #[test]
    fn options_are_those_of_the_parameters() {
        let found = options(&[
            ("image_cluster_size", "64K"),
            ("preallocated", "metadata"),
            ("lazy_refcounts", "on"),
            (
                "image_extra_params",
                ",compat=1.1, cluster_size=2M,refcount_bits=8",
            ),
        ]);
        let expected = CreateOptions {
            cluster_size: Some(2 << 20),
            preallocation: Some(Preallocation::Metadata),
            lazy_refcounts: Some(true),
            compat: Some(Compat::V3),
            refcount_bits: Some(8),
            ..CreateOptions::default()
        };
        assert_eq!(found, Ok(expected));
        assert_eq!(options(&[]), Ok(CreateOptions::default()));
        assert!(
            options(&[("image_secret", "x")])
                .unwrap()
                .encryption
                .is_some()
        );
    }

    #[test]
    fn no_option_names_a_file() {
        for extra in [
            "data_file=/etc/passwd",
            "backing_file=x",
            "compat",
            "compat=2",
        ] {
            let error = options(&[("image_extra_params", extra)]).unwrap_err();
            assert!(error.contains("image_extra_params"), "{error}");
        }
        let error = options(&[("preallocated", "much")]).unwrap_err();
        assert!(
            error.contains("preallocated") && error.contains("falloc"),
            "{error}"
        );
    }

    #[test]
    fn a_tool_is_named_by_its_whole_path() {
        let named = |path| tool(&Params::from_pairs([("qemu_img_binary", path)]));
        assert!(named("qemu-img").is_ok() && named("/opt/bin/qemu-img").is_ok());
        let error = named("bin/qemu-img").unwrap_err();
        assert!(error.chain().contains("qemu_img_binary"), "{error}");
    }
    #[tokio::test]
    async fn an_encrypted_image_is_made_and_checked_with_its_secret() {
        let dir = tempfile::tempdir().unwrap();
        let pairs = [("image_secret", "s3cret"), ("image_size", "1M")];
        let params = Params::from_pairs(pairs);
        let path = dir.path().join("a.qcow2");
        let new = create_args(&params, path, DriveFormat::Qcow2).unwrap();
        let tool = tool(&params).unwrap();
        tool.create(&new).await.unwrap();
        let info = tool.info(&new.image()).await.unwrap();
        assert!(info.encrypted, "{info:?}");
        assert!(tool.check(&new.image(), None).await.unwrap().is_clean());
    }
}
