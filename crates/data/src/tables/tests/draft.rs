//! Parquet files to be written.

use std::io::Cursor;
use std::sync::Arc;

use image::{ImageFormat, Rgb, RgbImage};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// A PNG of one shade.
pub(super) fn png(shade: u8) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    RgbImage::from_pixel(6, 4, Rgb([shade; 3])).write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

/// How hubs write images and classes.
pub(super) const SCHEMA: &str = "message schema {
    optional group image { optional binary bytes; optional binary path (UTF8); }
    optional int64 label;
}";

/// An image file and a class.
pub(super) type Row = (Option<Vec<u8>>, Option<i64>);

/// A file to be written.
pub(super) struct Draft {
    pub(super) schema: &'static str,
    /// What the file says of its columns.
    pub(super) said: Option<&'static str>,
    pub(super) compression: Compression,
    /// How it holds values, in place of a dictionary.
    pub(super) encoding: Option<Encoding>,
    /// Rows of each group: image file and class.
    pub(super) groups: Vec<Vec<Row>>,
}

impl Draft {
    /// Groups of four rows, each as bright as its number, of two classes.
    pub(super) fn new(rows: u8) -> Self {
        let all: Vec<_> = (0..rows).map(|row| (Some(png(row)), Some(i64::from(row % 2)))).collect();
        Self {
            schema: SCHEMA,
            said: None,
            compression: Compression::SNAPPY,
            encoding: None,
            groups: all.chunks(4).map(<[_]>::to_vec).collect(),
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let pair = |text: &str| KeyValue::new("huggingface".to_owned(), text.to_owned());
        let mut properties = WriterProperties::builder()
            .set_compression(self.compression)
            .set_key_value_metadata(self.said.map(|text| vec![pair(text)]));
        if let Some(encoding) = self.encoding {
            properties = properties.set_dictionary_enabled(false).set_encoding(encoding);
        }
        let schema = Arc::new(parse_message_type(self.schema).unwrap());
        let mut writer =
            SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
        for rows in &self.groups {
            let mut group = writer.next_row_group().unwrap();
            for field in self.fields() {
                write(group.next_column().unwrap().unwrap(), field, rows);
            }
            group.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    /// Its columns in their order.
    fn fields(&self) -> &'static [Field] {
        match (self.schema.contains("path"), self.schema.contains("int64")) {
            (true, _) => &[Field::Image { depth: 2 }, Field::Path, Field::Class],
            (false, true) => &[Field::Image { depth: 1 }, Field::Class],
            (false, false) => &[Field::Image { depth: 1 }],
        }
    }
}

/// What a column holds.
enum Field {
    Image { depth: i16 },
    Path,
    Class,
}

fn write(mut column: SerializedColumnWriter<'_>, field: &Field, rows: &[Row]) {
    match field {
        Field::Image { depth } => {
            let levels: Vec<i16> =
                rows.iter().map(|(image, _)| i16::from(image.is_some()) * depth).collect();
            let images = rows.iter().filter_map(|(image, _)| image.clone());
            let values: Vec<ByteArray> = images.map(ByteArray::from).collect();
            let column = column.typed::<ByteArrayType>();
            column.write_batch(&values, Some(&levels), None).unwrap();
        }
        Field::Path => {
            let levels = vec![1; rows.len()];
            column.typed::<ByteArrayType>().write_batch(&[], Some(&levels), None).unwrap();
        }
        Field::Class => {
            let levels: Vec<i16> =
                rows.iter().map(|(_, class)| i16::from(class.is_some())).collect();
            let values: Vec<i64> = rows.iter().filter_map(|(_, class)| *class).collect();
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
        }
    }
    column.close().unwrap();
}
