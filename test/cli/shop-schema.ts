/** A schema with rules and options of nano, whose imports stand elsewhere. */
export const shopSchema = `edition = "2024";
package shop.v1;
import "google/protobuf/empty.proto";
import "buf/validate/validate.proto";
import option "nano/options.proto";
service ShopService {
  option (nano.handler).server = "shop";
  rpc Buy(BuyRequest) returns (google.protobuf.Empty);
}
message BuyRequest {
  string what = 1 [(buf.validate.field).string.max_len = 8];
}
`;
