import { describeWithTestData, testData } from "../../../../tools/test-data.ts";
import { describeGoldenRuns } from "./golden-runs.ts";

describeWithTestData("stories260k", () => {
  describeGoldenRuns(testData("golden/stories260k-main.json"), [114, 4], async (type) =>
    testData(`models/stories260k/ggjt/${type}.bin`),
  );
});
