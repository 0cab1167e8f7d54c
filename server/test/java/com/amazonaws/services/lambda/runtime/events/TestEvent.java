package com.amazonaws.services.lambda.runtime.events;

import java.util.Date;
import java.util.List;

/** In the shapes of AWS's library of events: capital letters in JSON, a class without a plain constructor. */
public class TestEvent {
    private List<Message> records;

    public List<Message> getRecords() {
        return records;
    }

    public void setRecords(List<Message> value) {
        records = value;
    }

    public static class Message {
        private final String eventSourceArn;
        private final String detailType;
        private final Date arrival;

        public Message(String eventSourceArn, String detailType, Date arrival) {
            this.eventSourceArn = eventSourceArn;
            this.detailType = detailType;
            this.arrival = arrival;
        }

        public String getEventSourceArn() {
            return eventSourceArn;
        }

        public String getDetailType() {
            return detailType;
        }

        public Date getArrival() {
            return arrival;
        }
    }
}
