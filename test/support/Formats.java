import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.NanoTime;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.parquet.schema.Type;

/**
 * parquet-java (what Spark writes and reads with) as a writer and as a reader of the files of docs/formats.md.
 *
 * <pre>
 * Formats write DIR            writes its lines as write_formats.py does; prints section TAB name TAB folder, one a line
 * Formats compare KEY TASKS    answers as read_formats.py does, one verdict a line
 * </pre>
 */
public class Formats {
  static final int ROWS = 2500;

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    if (args[0].equals("write")) {
      int number = 0;
      for (Line line : lines()) {
        Path folder = Path.of(args[1], "java-" + number++);
        line.write(folder);
        out.println(line.section + "\t" + line.name + "\t" + folder);
      }
    } else {
      for (String task : Files.readAllLines(Path.of(args[2]))) {
        String[] files = task.split("\t");
        out.println(compare(args[1], files[0], Arrays.asList(files).subList(1, files.length)));
      }
    }
  }

  // -- Writing --------------------------------------------------------------------------------------------------------

  interface Value {
    void add(Group row, int i);
  }

  /** Columns as the schema's text has them, and what to put into a row of them. */
  record Line(String section, String name, String key, String columns, Value keyValue, Value values, Options options) {
    void write(Path folder) throws IOException {
      boolean aboutKeys = section.equals("Keys");
      int tenth = ROWS / 10;
      for (boolean whole : new boolean[] {true, false}) {
        Path way = Files.createDirectories(folder.resolve(whole ? "aligned" : "misaligned"));
        List<Integer> first = range(0, whole || !aboutKeys ? ROWS : ROWS - tenth);
        List<Integer> second = range(whole ? 0 : tenth, ROWS);
        if (!whole) Collections.reverse(second);
        writeFile(way.resolve("a.parquet"), key + " required int64 a;", first, (row, i) -> row.add("a", (long) i));
        writeFile(way.resolve("b.parquet"), columns + key, second, values);
      }
    }

    void writeFile(Path path, String fields, List<Integer> rows, Value value) throws IOException {
      MessageType schema = MessageTypeParser.parseMessageType("message spark_schema {" + fields + "}");
      var builder = ExampleParquetWriter.builder(new LocalOutputFile(path)).withType(schema);
      try (ParquetWriter<Group> writer = options.apply(builder).build()) {
        SimpleGroupFactory factory = new SimpleGroupFactory(schema);
        for (int i : rows) {
          Group row = factory.newGroup();
          keyValue.add(row, i);
          value.add(row, i);
          writer.write(row);
        }
      }
    }
  }

  interface Options {
    ExampleParquetWriter.Builder apply(ExampleParquetWriter.Builder builder);
  }

  static List<Integer> range(int from, int to) {
    List<Integer> rows = new ArrayList<>();
    for (int i = from; i < to; i++) rows.add(i);
    return rows;
  }

  static final String KEY = "required int64 k;";
  static final Value KEY_VALUE = (row, i) -> row.add("k", 3L * i - i % 2 - 700);

  /** The types of a Spark table, as it stores them; every eleventh row has nulls. */
  static final String SPARK =
      "optional int32 id; optional int64 volume; optional double bid; optional float ask; optional boolean up;"
          + "optional binary name (STRING); optional int32 day (DATE); optional int96 at;"
          + "optional int32 small (DECIMAL(9,2)); optional int64 price (DECIMAL(18,4));"
          + "optional fixed_len_byte_array(16) total (DECIMAL(38,10));";

  static void addSpark(Group row, int i) {
    if (i % 11 == 3) return;
    row.add("id", i * 7919);
    row.add("volume", i * 1_000_000_007L);
    row.add("bid", i % 50 == 0 ? Double.NaN : i / 3.0);
    row.add("ask", i / 7f);
    row.add("up", i % 3 == 0);
    row.add("name", "name " + i % 40);
    row.add("day", i - 700);
    row.add("at", new NanoTime(2_460_000 + i, i * 1_000_003L));
    row.add("small", i * 25);
    row.add("price", i * 12_345_678_901L);
    byte[] total = new byte[16];
    ByteBuffer.wrap(total).putLong(8, i * 7919L);
    row.add("total", Binary.fromConstantByteArray(total));
  }

  static Line type(String name, String columns, Value values) {
    return new Line("Types", name, KEY, columns, KEY_VALUE, values, Formats::snappy);
  }

  static Line spark(String section, String name, Options options) {
    return new Line(section, name, KEY, SPARK, KEY_VALUE, Formats::addSpark, options);
  }

  static Line key(String name, String key, Value value) {
    return new Line("Keys", name, key, "optional int32 x;", value, (row, i) -> row.add("x", i), Formats::snappy);
  }

  static ExampleParquetWriter.Builder snappy(ExampleParquetWriter.Builder builder) {
    return builder.withCompressionCodec(CompressionCodecName.SNAPPY);
  }

  static Options codec(CompressionCodecName codec) {
    return builder -> builder.withCompressionCodec(codec);
  }

  static Binary number(int i) {
    return Binary.fromConstantByteArray(ByteBuffer.allocate(4).putInt(i - 700).array());
  }

  static List<Line> lines() {
    Value word = (row, i) -> row.add("x", "w" + i % 7);
    return List.of(
        spark("Writers", "parquet-java, with the types of Spark", Formats::snappy),
        spark("Writers", "parquet-java, writer version 2", b -> snappy(b).withWriterVersion(WriterVersion.PARQUET_2_0)),
        spark("Codecs", "LZ4 as Hadoop frames it", codec(CompressionCodecName.LZ4)),
        spark("Codecs", "LZ4_RAW of parquet-java", codec(CompressionCodecName.LZ4_RAW)),
        type("decimal in BINARY", "optional binary x (DECIMAL(9,2));", (row, i) -> row.add("x", number(i))),
        type("enum", "optional binary x (ENUM);", word),
        type("BSON", "optional binary x (BSON);", (row, i) -> row.add("x", Binary.fromConstantByteArray(bson(i)))),
        type("list of two levels", "optional group x (LIST) { repeated int32 array; }", (row, i) -> {
          if (i % 11 == 3) return;
          Group list = row.addGroup("x");
          for (int n = 0; n < i % 4; n++) list.add("array", i + n);
        }),
        type("repeated numbers, no list", "repeated int32 x;", (row, i) -> {
          for (int n = 0; n < i % 4; n++) row.add("x", i + n);
        }),
        spark("Indexes, statistics, metadata", "bloom filters of parquet-java",
            b -> snappy(b).withBloomFilterEnabled("name", true).withBloomFilterEnabled("id", true)),
        key("enum", "required binary k (ENUM);", (row, i) -> row.add("k", String.format("k%05d", i))),
        key("decimal in BINARY", "required binary k (DECIMAL(9,2));", (row, i) -> row.add("k", number(i))));
  }

  /** The document {i: number}. */
  static byte[] bson(int i) {
    ByteBuffer document = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    return document.putInt(12).put((byte) 0x10).put((byte) 'i').put((byte) 0).putInt(i).put((byte) 0).array();
  }

  // -- Reading --------------------------------------------------------------------------------------------------------

  record Table(List<Type> fields, Map<String, List<String>> rows) {}

  static String compare(String key, String merged, List<String> sources) {
    List<Table> read = new ArrayList<>();
    boolean fails = false;
    for (String path : sources) {
      try {
        read.add(readTable(path, key));
      } catch (Throwable error) {
        fails = true;
      }
    }
    Table output;
    try {
      output = readTable(merged, key);
    } catch (Throwable error) {
      return fails ? "unreadable" : "unreadable: " + oneLine(error);
    }
    for (Table source : read) {
      int[] place = new int[source.fields.size()];
      for (int i = 0; i < place.length; i++) {
        Type own = source.fields.get(i);
        place[i] = positionOf(output.fields, own.getName());
        if (place[i] < 0) return own.getName() + " is missing";
        boolean isKey = own.getName().equals(key);
        if (!isKey && !meaning(own).equals(meaning(output.fields.get(place[i]))))
          return own + " became " + output.fields.get(place[i]);
      }
      for (var entry : output.rows.entrySet()) {
        List<String> own = source.rows.get(entry.getKey());
        for (int i = 0; i < place.length; i++) {
          if (source.fields.get(i).getName().equals(key)) continue;
          String expected = own == null ? "" : own.get(i);
          String actual = entry.getValue().get(place[i]);
          if (!expected.equals(actual))
            return source.fields.get(i).getName() + ": " + actual + " where the source has " + expected;
        }
      }
      if (!output.rows.keySet().containsAll(source.rows.keySet())) return "rows are missing";
    }
    return "same";
  }

  static int positionOf(List<Type> fields, String name) {
    for (int i = 0; i < fields.size(); i++) if (fields.get(i).getName().equals(name)) return i;
    return -1;
  }

  /** A rewritten column may have nulls, and another order of its bounds; field ids of one file mean nothing in another. */
  static String meaning(Type type) {
    return type.toString().replaceFirst("^(required|optional) ", "").replaceAll(" = \\d+| columnorder\\(\\w+\\)", "");
  }

  static String oneLine(Throwable error) {
    Throwable last = error;
    while (last.getCause() != null) last = last.getCause();
    return String.valueOf(last).split("\n")[0];
  }

  static Table readTable(String path, String key) throws IOException {
    Map<String, List<String>> rows = new HashMap<>();
    List<Type> fields = List.of();
    var builder = new ParquetReader.Builder<Group>(new LocalInputFile(Path.of(path))) {
      @Override
      protected ReadSupport<Group> getReadSupport() {
        return new GroupReadSupport();
      }
    };
    try (ParquetReader<Group> reader = builder.build()) {
      for (Group row = reader.read(); row != null; row = reader.read()) {
        fields = row.getType().getFields();
        List<String> values = new ArrayList<>(fields.size());
        for (int i = 0; i < fields.size(); i++) values.add(render(row, i));
        rows.put(keyOf(row, row.getType().getFieldIndex(key)), values);
      }
    }
    return new Table(fields, rows);
  }

  /** Timestamps of two units are equal where they are the same instant. */
  static String keyOf(Group row, int field) {
    if (row.getType().getType(field).getLogicalTypeAnnotation() instanceof TimestampLogicalTypeAnnotation stamp) {
      long factor = stamp.getUnit() == TimeUnit.MILLIS ? 1_000_000 : stamp.getUnit() == TimeUnit.MICROS ? 1_000 : 1;
      return Long.toString(Math.multiplyExact(row.getLong(field, 0), factor));
    }
    return render(row, field);
  }

  /** All values of a field, bit for bit; nothing where it is null. */
  static String render(Group group, int field) {
    GroupType type = group.getType();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < group.getFieldRepetitionCount(field); i++) text.append(render(group, type.getType(field), field, i)).append(';');
    return text.toString();
  }

  static String render(Group group, Type type, int field, int index) {
    if (!type.isPrimitive()) {
      Group inner = group.getGroup(field, index);
      StringBuilder text = new StringBuilder("{");
      for (int i = 0; i < type.asGroupType().getFieldCount(); i++) text.append(render(inner, i)).append(',');
      return text.append('}').toString();
    }
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case INT32 -> Integer.toString(group.getInteger(field, index));
      case INT64 -> Long.toString(group.getLong(field, index));
      case BOOLEAN -> Boolean.toString(group.getBoolean(field, index));
      case FLOAT -> Integer.toHexString(Float.floatToRawIntBits(group.getFloat(field, index)));
      case DOUBLE -> Long.toHexString(Double.doubleToRawLongBits(group.getDouble(field, index)));
      case INT96 -> HexFormat.of().formatHex(group.getInt96(field, index).getBytes());
      default -> HexFormat.of().formatHex(group.getBinary(field, index).getBytes());
    };
  }
}
